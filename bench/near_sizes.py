"""What `gen filter` takes with nothing but the near duplicates, from file to file, at several sizes and by stages.

    python -m bench.near_duplicates FOLDER --dialogues 0 [--sizes 10000,100000,1000000]

Dialogues of 1.26 kB of text. Start-up, taken off, is what `START` of them take: with fewer there are no copies, and
the code that compares these is not loaded. It is half of what 10,000 take, and neighbours on the machine only add to
it, so the least of several runs counts there.
"""

import json
import shutil
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import orjson

from bench.child import run
from bench.near_corpus import walks

START = 100
SMALL, REPEATS = 10_000, 5
"""Up to so many dialogues, so many runs."""
STAGES = {"before near_duplicates": "read and sign", "near_duplicates": "search", "writing": "write"}
"""What a walk calls its stages, and how they are called here."""


class Took(NamedTuple):
    """The bill of one size."""

    stages_s: tuple[float, ...]
    """CPU of each stage; imports of the command line are before them."""
    peak_mb: float

    @property
    def cpu_s(self) -> float:
        """All stages."""
        return sum(self.stages_s)


def scale(folder: Path, sizes: list[int], at: Path) -> bool:
    """Print what each size takes; whether it is linear within a fifth and a million stays below 1.5 GB."""
    stages = " | ".join(f"{name}, us" for name in STAGES.values())
    print(f"\n| dialogues | MB | CPU s | us a dialogue | {stages} | peak MB |\n|" + "---|" * (5 + len(STAGES)))
    start = least(laid_out(folder, START, at), at, REPEATS)
    each, peaks = [], []
    for n in sizes:
        source = laid_out(folder, n, at)
        took = least(source, at, REPEATS if n <= SMALL else 1)
        cpu_s, size = took.cpu_s - start.cpu_s, source.stat().st_size / 1e6
        parts = [(whole - begun) / n * 1e6 for whole, begun in zip(took.stages_s, start.stages_s, strict=True)]
        shown = " | ".join(f"{part:.1f}" for part in (cpu_s / n * 1e6, *parts))
        print(f"| {n:,} | {size:,.0f} | {cpu_s:.1f} | {shown} | {took.peak_mb:,.0f} |")
        source.unlink()
        each.append(cpu_s / n)
        peaks.append(took.peak_mb)
    print(f"\nStart-up, taken off: {start.cpu_s:.1f} s.")
    return max(each) <= 1.2 * each[0] and max(peaks) <= 1500


def laid_out(folder: Path, n: int, at: Path) -> Path:
    """A file of `n` dialogues of 1.26 kB of text each."""
    source = at / f"{n}.jsonl"
    with source.open("wb") as file:
        for number, text in enumerate(walks(folder, n, words=205, seed=n)):
            half = len(text) // 2
            said = [{"role": "user", "content": text[:half]}, {"role": "assistant", "content": text[half:]}]
            file.write(orjson.dumps({"id": f"s{number:09}", "messages": said}) + b"\n")
    return source


def least(source: Path, at: Path, repeats: int) -> Took:
    """The bill of a filtering in one process; of several, the least."""
    told, out = at / "stages.json", at / f"{source.stem}-out"
    bills = []
    for _ in range(repeats):
        cost = run([sys.executable, "-m", "bench.near_sizes", str(source), str(out), str(told)])
        bills.append(Took(tuple(json.loads(told.read_text())), cost.peak_mb))
        shutil.rmtree(out)
    return min(bills, key=lambda bill: bill.cpu_s)


def main() -> None:
    """Filter as the command does; write the CPU of each stage."""
    from filters.engine.walk import filtered
    from gen.filter_config import filter_settings

    source, out, told = map(Path, sys.argv[1:])
    began: dict[str, float] = {}

    def on_progress(stage: str, done: int, total: int) -> None:
        began.setdefault(stage, time.process_time())

    filtered(filter_settings([source], out, filters=[{"use": "near_duplicates"}], workers=1), on_progress)
    ends = [*(began[stage] for stage in STAGES), time.process_time()]
    told.write_text(json.dumps([after - before for before, after in pairwise(ends)]))


if __name__ == "__main__":
    main()
