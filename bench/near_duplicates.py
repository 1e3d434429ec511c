"""Near duplicates: recall, precision and CPU beside datasketch's own loop and rensa, on the same texts in one run.

    python -m bench.near_duplicates FOLDER [--dialogues 100000] [--sizes 10000,100000,1000000]

FOLDER holds real dialogues to walk over (bench/near_corpus.py). Every tool gets the same texts from a file, in a
process of its own, and says which it takes for copies. `--sizes` times `gen filter` with nothing but the near
duplicates, from file to file, at each size (texts of 1.26 kB). An empty `--sizes`, and `--dialogues 0`, leave a part
out. A child's peak of memory shows only above this process's own: ask for the sizes by themselves.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import orjson

from bench.child import GEN, Cost, run
from bench.near_corpus import alike, walks

THRESHOLD = 0.7


def ours(texts: list[str]) -> list[int]:
    """The product's own search."""
    from filters.near.search import near_duplicates

    dropped: list[int] = near_duplicates(texts, planted=0).dropped.tolist()
    return dropped


def datasketch_loop(texts: list[str], hashfunc: Callable[[bytes], int] | None = None) -> list[int]:
    """The loop of datasketch's documentation, its hashes in bulk: query, then insert."""
    from datasketch import MinHash, MinHashLSH

    from dialogue.likeness import words

    def shingled(text: str) -> list[bytes]:
        found = words(text)
        return [" ".join(gram).encode() for gram in zip(*(found[i:] for i in range(5)), strict=False)]

    index = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    more = {} if hashfunc is None else {"hashfunc": hashfunc}
    flagged = []
    for number, sketch in enumerate(MinHash.generator(map(shingled, texts), num_perm=128, **more)):
        if index.query(sketch):
            flagged.append(number)
        index.insert(number, sketch)
    return flagged


def datasketch_xxh64(texts: list[str]) -> list[int]:
    """The same with the faster hash that we use."""
    from xxhash import xxh64_intdigest

    return datasketch_loop(texts, lambda data: xxh64_intdigest(data) & 0xFFFFFFFF)


def rensa_matrix(texts: list[str]) -> list[int]:
    """Rensa's bulk way: a matrix of digests, flags from its LSH, which flags both of a pair."""
    from rensa import RMinHash, RMinHashLSH

    from dialogue.likeness import words

    def shingled(text: str) -> list[bytes]:
        found = words(text)
        return [" ".join(gram).encode() for gram in zip(*(found[i:] for i in range(5)), strict=False)]

    matrix = RMinHash.digest_matrix_from_token_byte_sets(list(map(shingled, texts)), 128, 42)
    flags = RMinHashLSH(THRESHOLD, 128, 16).insert_matrix_and_query_duplicate_flags(matrix)
    return [number for number, flag in enumerate(flags) if flag]


TOOLS = {"duologue": ours, "datasketch": datasketch_loop, "datasketch, xxh64": datasketch_xxh64, "rensa": rensa_matrix}


class Found(NamedTuple):
    """How a tool did."""

    cpu_s: float
    recall: float
    recall_80: float
    precision: float


def child(tool: str, source: Path, out: Path) -> None:
    """Run a tool; write what it flags and the CPU that it took, imports and reading left out."""
    texts = [orjson.loads(line) for line in source.open("rb")]
    TOOLS[tool](texts[:50])  # imports, compiled code
    began = time.process_time()
    flagged = TOOLS[tool](texts)
    out.write_text(json.dumps({"flagged": flagged, "cpu_s": time.process_time() - began}))


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
    print("| tool | CPU s | texts/s | x datasketch | peak MB | recall 0.7 | recall 0.8 | precision |\n|" + "---|" * 8)
    found: dict[str, Found] = {}
    for tool in ("datasketch", *(name for name in TOOLS if name != "datasketch")):
        cost = run([sys.executable, "-m", "bench.near_duplicates", "--child", tool, str(source), str(out)])
        said = json.loads(out.read_text())
        flagged = set(said["flagged"])
        recall = [len(flagged & wanted) / max(1, len(wanted)) for wanted in later]
        found[tool] = Found(said["cpu_s"], *recall, len(flagged & partners) / max(1, len(flagged)))
        ratio = found["datasketch"].cpu_s / found[tool].cpu_s
        print(
            f"| {tool} | {found[tool].cpu_s:.1f} | {n / found[tool].cpu_s:,.0f} | {ratio:.1f} | {cost.peak_mb:,.0f} | "
            + " | ".join(f"{share:.4f}" for share in found[tool][1:])
            + " |"
        )
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


def scale(folder: Path, sizes: list[int], at: Path) -> bool:
    """Print what `gen filter` takes at each size, start-up left out; whether it is linear within a fifth."""
    print("\n| dialogues | MB | CPU s | us a dialogue | peak MB |\n|---|---|---|---|---|")
    start = filtered(at, laid_out(folder, 1, at)).cpu_s
    each = []
    for n in sizes:
        source = laid_out(folder, n, at)
        cost = filtered(at, source)
        each.append((cost.cpu_s - start) / n)
        size = source.stat().st_size / 1e6
        print(f"| {n:,} | {size:,.0f} | {cost.cpu_s - start:.1f} | {each[-1] * 1e6:.1f} | {cost.peak_mb:,.0f} |")
    return max(each) <= 1.2 * each[0]


def laid_out(folder: Path, n: int, at: Path) -> Path:
    """A file of `n` dialogues of 1.26 kB of text each."""
    source = at / f"{n}.jsonl"
    with source.open("wb") as file:
        for number, text in enumerate(walks(folder, n, words=205, seed=n)):
            half = len(text) // 2
            said = [{"role": "user", "content": text[:half]}, {"role": "assistant", "content": text[half:]}]
            file.write(orjson.dumps({"id": f"s{number:09}", "messages": said}) + b"\n")
    return source


def filtered(at: Path, source: Path) -> Cost:
    """The bill of `gen filter` with nothing but the near duplicates, in one process."""
    chain = at / "near.toml"
    chain.write_text('[[filters]]\nuse = "near_duplicates"\n')
    out = str(at / f"{source.stem}-out")
    return run([*GEN, "filter", str(source), "--out", out, "--config", str(chain), "--workers", "1"])


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
