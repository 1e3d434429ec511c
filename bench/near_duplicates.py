"""Near duplicates: recall, precision and CPU beside datasketch's own loop and rensa, on the same texts in one run.

    python -m bench.near_duplicates FOLDER [--dialogues 100000] [--sizes 10000,100000,1000000]

FOLDER holds real dialogues to walk over (bench/near_corpus.py). Every tool gets the same texts from a file, in a
process of its own, and says which it takes for copies. `--sizes` goes on to bench/near_sizes.py. An empty `--sizes`,
and `--dialogues 0`, leave a part out.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from bench.child import run
from bench.near_corpus import alike, walks
from bench.near_sizes import scale

THRESHOLD = 0.7
Flags = Iterator[list[int]]
"""A tool at work: an empty list when all texts are signed, then the numbers of those that it takes for copies."""


def ours(texts: list[str]) -> Flags:
    """The product's own search."""
    from filters.near.search import Texts, prepared
    from filters.near_duplicates import NearDuplicates

    looked_for = NearDuplicates(threshold=THRESHOLD, planted=0)
    with tempfile.TemporaryDirectory() as folder:
        shards = prepared(looked_for, texts, [None] * len(texts), Path(folder))
        yield []
        ids = [f"{number:012}" for number in range(len(texts))]
        yield looked_for.decide(Texts(texts, ids, shards)).dropped.tolist()


def datasketch_loop(texts: list[str], hashfunc: Callable[[bytes], int] | None = None) -> Flags:
    """The loop of datasketch's documentation, its hashes in bulk: query, then insert."""
    from datasketch import MinHash, MinHashLSH

    more = {} if hashfunc is None else {"hashfunc": hashfunc}
    sketches = list(MinHash.generator(map(shingled, texts), num_perm=128, **more))
    yield []
    index = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    flagged = []
    for number, sketch in enumerate(sketches):
        if index.query(sketch):
            flagged.append(number)
        index.insert(number, sketch)
    yield flagged


def datasketch_xxh64(texts: list[str]) -> Flags:
    """The same with the faster hash that we use."""
    from xxhash import xxh64_intdigest

    return datasketch_loop(texts, lambda data: xxh64_intdigest(data) & 0xFFFFFFFF)


def rensa_matrix(texts: list[str]) -> Flags:
    """Rensa's bulk way: a matrix of digests, flags from its LSH, which flags both of a pair."""
    from rensa import RMinHash, RMinHashLSH

    matrix = RMinHash.digest_matrix_from_token_byte_sets(list(map(shingled, texts)), 128, 42)
    yield []
    flags = RMinHashLSH(THRESHOLD, 128, 16).insert_matrix_and_query_duplicate_flags(matrix)
    yield [number for number, flag in enumerate(flags) if flag]


def shingled(text: str) -> list[bytes]:
    """A text's word 5-grams."""
    from dialogue.likeness import words

    found = words(text)
    return [" ".join(gram).encode() for gram in zip(*(found[i:] for i in range(5)), strict=False)]


TOOLS = {"duologue": ours, "datasketch": datasketch_loop, "datasketch, xxh64": datasketch_xxh64, "rensa": rensa_matrix}


class Found(NamedTuple):
    """How a tool did."""

    sign_s: float
    search_s: float
    peak_mb: float
    recall: float
    recall_80: float
    precision: float

    @property
    def cpu_s(self) -> float:
        """Both stages."""
        return self.sign_s + self.search_s


def child(tool: str, source: Path, out: Path) -> None:
    """Run a tool; write what it flags and the CPU that its stages took, imports and reading left out."""
    texts = [orjson.loads(line) for line in source.open("rb")]
    list(TOOLS[tool](texts[:50]))  # imports, compiled code
    began = time.process_time()
    at_work = TOOLS[tool](texts)
    next(at_work)
    signed = time.process_time()
    flagged = next(at_work)
    found = {"flagged": flagged, "sign_s": signed - began, "search_s": time.process_time() - signed}
    out.write_text(json.dumps(found))


def compare(folder: Path, n: int, at: Path) -> bool:
    """Print the table of tools; whether all bars are kept."""
    texts = list(walks(folder, n))
    source, out = at / "texts.jsonl", at / "found.json"
    source.write_bytes(b"".join(orjson.dumps(text) + b"\n" for text in texts))
    pairs, similarity = alike(texts, THRESHOLD)
    partners = set(pairs.ravel().tolist())
    later = [set(pairs[similarity >= level, 1].tolist()) for level in (THRESHOLD, 0.8)]
    size = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{n:,} texts, {size:,.0f} MB, {len(pairs):,} pairs with J >= 0.7; {len(later[0]):,} have an earlier one.\n")
    head = "tool | sign s | search s | CPU s | texts/s | x datasketch | peak MB | recall 0.7 | recall 0.8 | precision"
    print(f"| {head} |\n|" + "---|" * 10)
    found: dict[str, Found] = {}
    for tool in ("datasketch", *(name for name in TOOLS if name != "datasketch")):
        cost = run([sys.executable, "-m", "bench.near_duplicates", "--child", tool, str(source), str(out)])
        said = json.loads(out.read_text())
        flagged = set(said["flagged"])
        recall = [len(flagged & wanted) / max(1, len(wanted)) for wanted in later]
        precision = len(flagged & partners) / max(1, len(flagged))
        found[tool] = Found(said["sign_s"], said["search_s"], cost.peak_mb, *recall, precision)
        print(line(tool, n, found[tool], found["datasketch"].cpu_s / found[tool].cpu_s))
    mine = found["duologue"]
    bars = {
        "recall at 0.7 >= 0.99": mine.recall >= 0.99,
        "recall at 0.8 >= 0.999": mine.recall_80 >= 0.999,
        "precision 1": mine.precision == 1,
        "10 x datasketch": found["datasketch"].cpu_s >= 10 * mine.cpu_s,
        "4 x rensa": found["rensa"].cpu_s >= 4 * mine.cpu_s,
    }
    print("\n" + "; ".join(f"{name}: {'kept' if kept else 'MISSED'}" for name, kept in bars.items()))
    return all(bars.values())


def line(tool: str, n: int, found: Found, ratio: float) -> str:
    """A line of the table."""
    stages = f"{found.sign_s:.1f} | {found.search_s:.1f} | {found.cpu_s:.1f} | {n / found.cpu_s:,.0f} | {ratio:.1f}"
    shares = " | ".join(f"{share:.4f}" for share in (found.recall, found.recall_80, found.precision))
    return f"| {tool} | {stages} | {found.peak_mb:,.0f} | {shares} |"


def main() -> int:
    """Print all tables; status 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--dialogues", type=int, default=100_000)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child[0], Path(given.child[1]), Path(given.child[2]))
        return 0
    with tempfile.TemporaryDirectory() as at:
        kept = [compare(given.folder, given.dialogues, Path(at))] if given.dialogues else []
        if given.sizes:
            kept.append(scale(given.folder, list(map(int, given.sizes.split(","))), Path(at)))
    return int(not all(kept))


if __name__ == "__main__":
    raise SystemExit(main())
