"""How fast the kernels turn texts into words, n-gram hashes and MinHash signatures, as a Markdown table.

    python -m bench.kernels FOLDER [--docs 5000]

FOLDER holds `dialogues/` and `formats/`. A document is a piece of about 2.6 kB of a real set's running text, with five
words changed, so that no two are alike. Times are CPU seconds of one thread, the least of several rounds in which all
stages take turns; compiling is not in them. A stage works on parts of half a million characters and frees its result.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench.false_positives import rows
from filters.kernels.grams import grams
from filters.kernels.minhash import signatures, signed
from filters.kernels.tokens import tokens

BYTES = 2600
N, PERMS = 5, 128
ROUNDS = 7
_PART = 1 << 19


@dataclass(frozen=True, slots=True)
class Set:
    """Documents of one kind."""

    name: str
    texts: list[str]

    @property
    def megabytes(self) -> float:
        """All of them in UTF-8."""
        return sum(len(text.encode()) for text in self.texts) / 1e6

    def parts(self) -> Iterator[list[str]]:
        """Some documents at a time."""
        size = max(1, _PART * len(self.texts) // sum(map(len, self.texts)))
        return (self.texts[at : at + size] for at in range(0, len(self.texts), size))


def sets(folder: Path, docs: int) -> Iterator[Set]:
    """English in ASCII, the same with a pair of curly quotes in each document, Chinese, Korean."""
    ultrachat = rows(folder / "dialogues/ultrachat_700.jsonl")
    english = "\n".join(message["content"] for row in ultrachat for message in row["messages"])
    ascii_docs = documents(english.encode("ascii", "ignore").decode(), docs)
    yield Set("English, ASCII", ascii_docs)
    yield Set(
        "English, curly quotes", [f"{text[:1000]}\u201c{text[1000:1100]}\u201d{text[1100:]}" for text in ascii_docs]
    )
    for name, file in (("Chinese", "alpaca_zh_100.json"), ("Korean", "baize_korean_96.json")):
        text = "\n".join(orjson.dumps(row).decode() for row in rows(folder / "formats" / file))
        yield Set(name, documents(text, docs))


def documents(text: str, count: int) -> list[str]:
    """So many pieces of the text, from the beginning again when it is used up, each with five words changed."""
    chance = random.Random(1)
    size = round(BYTES * len(text) / len(text.encode()))
    found = []
    for number in range(count):
        at = number * size % max(1, len(text) - size)
        words = text[at : at + size].split(" ")
        for _ in range(5):
            words[chance.randrange(len(words))] = chance.choice(words)
        found.append(" ".join(words))
    return found


def seconds(works: Sequence[Callable[[], None]]) -> list[float]:
    """The least CPU time of each over the rounds."""
    least = [float("inf")] * len(works)
    for _ in range(ROUNDS + 1):  # the first compiles or loads
        for place, work in enumerate(works):
            start = time.process_time()
            work()
            least[place] = min(least[place], time.process_time() - start)
    return least


def row(found: Set) -> str:
    """The rates of each stage and of all together."""

    def each(stage: Callable[[list[str]], object]) -> Callable[[], None]:
        def work() -> None:
            for part in found.parts():
                stage(part)

        return work

    split = [tokens(part) for part in found.parts()]
    hashed = [grams(words, N) for words in split]

    def hashing() -> None:
        for words in split:
            grams(words, N)

    def signing() -> None:
        for hashes in hashed:
            signatures(hashes, PERMS)

    def all_stages() -> None:
        signed(found.texts, N, PERMS)

    works = [each(tokens), each(lambda part: tokens(part, chars=True)), hashing, signing, all_stages]
    times = seconds(works)
    rates = " | ".join(f"{found.megabytes / time_s:,.0f}" for time_s in times)
    number = sum(len(hashes.hashes) for hashes in hashed)
    docs = len(found.texts)
    return (
        f"| {found.name} | {rates} | {docs / times[-1]:,.0f} | {times[-1] / number * 1e9:.1f} | {number / docs:,.0f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--docs", type=int, default=5000)
    arguments = parser.parse_args()
    print(f"| MB/s of UTF-8 | words | words with places | {N}-grams | {PERMS} permutations | all | ", end="")
    print("documents/s | ns an n-gram | n-grams a document |\n|---|---|---|---|---|---|---|---|---|")
    for found in sets(arguments.folder, arguments.docs):
        print(row(found), flush=True)


if __name__ == "__main__":
    main()
