"""A large run on the embedded endpoint: what it is made of, what memory it takes, how soon it goes on after a kill.

    python -m bench.scale [--n 100000]

A run of 1,000 gives the base of memory. The large one is killed (-9) when 97 % of its dialogues are written, and called
again until it is done; its memory is that of the larger of the two processes, its CPU the sum. The resume is timed from
the start of the process to the first new turn in the journal, which is one reply behind the first request; the wall
time of an interpreter that only imports what `gen run` imports, the least of five, is taken off. Near duplicates are
counted by an exact join over all openers (pairs.py), not by the index that the engine uses.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bench import made
from bench.child import Cost, finished, gen_run, run, shown, start
from bench.pairs import near_pairs

BASE = 1000
KILLED_AT = 0.97
ALIKE, SHINGLE = 0.7, 3
IMPORTS = [sys.executable, "-c", "import gen.api, gen.commands.run"]
_NEW_TURN = b'{"k":"turn"'


@dataclass(frozen=True, slots=True)
class Scale:
    """What the large run took."""

    n: int
    base: Cost
    killed: Cost
    resumed: Cost
    first_turn_s: float
    imports_s: float

    @property
    def peak_mb(self) -> float:
        """Of the larger of the two processes."""
        return max(self.killed.peak_mb, self.resumed.peak_mb)

    def bytes_per_dialogue(self) -> float:
        """Memory above that of the base run, by dialogue above the base."""
        return (self.peak_mb - self.base.peak_mb) * 1e6 / (self.n - BASE)


@dataclass(slots=True)
class Look:
    """What is in dialogues.jsonl."""

    lines: int = 0
    unique: int = 0
    misplaced: int = 0
    """Dialogues whose roles do not alternate from user to assistant, or do not end there."""
    rounds: Counter[int] | None = None


def count_lines(path: Path, start: int) -> tuple[int, int]:
    """Newlines behind a byte offset, and the offset behind them."""
    if not path.exists():
        return 0, start
    with path.open("rb") as file:
        file.seek(start)
        found = file.read()
    return found.count(b"\n"), start + len(found)


def until_written(command: list[str], path: Path, lines: int) -> Cost:
    """Run the command until so many lines stand in a file, then kill it."""
    started, child = time.monotonic(), start(command)
    written = offset = 0
    while written < lines:
        time.sleep(0.1)
        if child.poll() is not None:
            raise RuntimeError(f"{shown(command)}: ended by itself with status {child.returncode}")
        more, offset = count_lines(path, offset)
        written += more
    child.send_signal(signal.SIGKILL)
    return finished(child, started)


def resumed(command: list[str], journal: Path) -> tuple[Cost, float]:
    """Run the command to its end; its bill, and the seconds from its start to the first new turn in the journal."""
    end, first_turn_s = journal.stat().st_size, 0.0
    started, child = time.monotonic(), start(command)
    with journal.open("rb") as file:
        while not first_turn_s:
            time.sleep(0.002)
            file.seek(end)
            if _NEW_TURN in file.read():
                first_turn_s = time.monotonic() - started
    cost = finished(child, started)
    if cost.status not in (0, 1):
        raise RuntimeError(f"{shown(command)}: exit status {cost.status}")
    return cost, first_turn_s


def measure(n: int, folder: Path) -> Scale:
    """The base run, the large run killed near its end, and its resume."""
    base = run(gen_run(folder / "base", BASE, "builtin"), statuses=(0, 1))
    large = folder / "large"
    command = gen_run(large, n, "builtin")
    killed = until_written(command, large / "dialogues.jsonl", int(KILLED_AT * n))
    imports_s = min(run(IMPORTS).wall_s for _ in range(5))  # just before, as the machine's load varies
    after, first_turn_s = resumed(command, large / "journal.jsonl")
    return Scale(n, base, killed, after, first_turn_s, imports_s)


def look(folder: Path) -> Look:
    """Read every dialogue of the folder."""
    ids, found = set(), Look(rounds=Counter())
    assert found.rounds is not None
    for row in made.rows(folder / "dialogues.jsonl"):
        roles = [message["role"] for message in row["messages"]]
        found.lines += 1
        ids.add(row["id"])
        found.misplaced += roles != ["user", "assistant"] * (len(roles) // 2)
        found.rounds[len(roles) // 2] += 1
    found.unique = len(ids)
    return found


def table(scale: Scale, folder: Path) -> str:
    """What was asked, what came out."""
    seen, summary = look(folder), orjson.loads((folder / "summary.json").read_bytes())
    texts = [text for _, text in made.openers(folder)]
    alike = len({later for _, later in near_pairs(texts, ALIKE, SHINGLE)})
    requests = summary["meter"]["requests"]
    cpu_s, wall_s = scale.killed.cpu_s + scale.resumed.cpu_s, scale.killed.wall_s + scale.resumed.wall_s
    rows: list[tuple[str, Any]] = [
        ("lines, failed, ids that differ", f"{seen.lines:,}, {summary['failed']:,}, {seen.unique:,}"),
        ("roles out of order or not ending on the assistant", seen.misplaced),
        ("rounds", ", ".join(f"{rounds}: {times:,}" for rounds, times in sorted((seen.rounds or {}).items()))),
        (
            f"openers with a near duplicate before them (Jaccard >= {ALIKE}, {SHINGLE}-grams)",
            f"{alike} ({alike / len(texts):.3%})",
        ),
        (f"peak memory, and at {BASE:,}", f"{scale.peak_mb:.0f} MB, {scale.base.peak_mb:.0f} MB"),
        (f"bytes per dialogue above the peak at {BASE:,}", f"{scale.bytes_per_dialogue():.0f}"),
        ("wall time", f"{wall_s:.0f} s"),
        ("CPU per request, the embedded endpoint's own included", f"{1000 * cpu_s / requests:.3f} ms of {requests:,}"),
        ("first new turn after a kill", f"{scale.first_turn_s:.2f} s, imports {scale.imports_s:.2f} s of them"),
        ("ready beyond imports", f"{scale.first_turn_s - scale.imports_s:.2f} s"),
    ]
    return "\n".join([f"| {scale.n:,} dialogues | |\n|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, help="folder for the runs; default: one that is removed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = asked.keep or Path(name)
        scale = measure(asked.n, folder)
        print(table(scale, folder / "large"))
    print(f"\neach call: `{shown(gen_run(Path('OUT'), asked.n, 'builtin'))}`")


if __name__ == "__main__":
    main()
