"""What a run does in trouble, as a Markdown table: each fault is really played, against a server on this machine.

    python bench/faults.py [WORD] > docs/faults.md

WORD picks the faults that hold it. The faults are those of tests/gen/cases.py, which the tests assert; here one reads
what a user sees. Takes about two minutes.
"""

import asyncio
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "gen"), str(ROOT / "tests" / "generator")]

from cases import CASES, Case  # noqa: E402
from disasters import NotHere  # noqa: E402
from played import Outcome, mending  # noqa: E402

HEAD = """# What a run does in trouble

Each line was played by `python bench/faults.py` against a server on 127.0.0.1 that answers well but for the fault; the
tests assert the same (`tests/gen/cases.py`). Each run makes two rounds of own openers, with `retry_wait_s = 0.01`.
"Repeated" counts questions that had been answered without fault before and were asked again. Replies of no use (a fault
in a turn, a list that cannot be read, an empty answer) are kept as well: a run that is killed at each of its requests
asks for each twice, the one on the wire and no other, whatever the answers are worth (`tests/gen/test_asked_once.py`).

| fault | what the user sees | on disk | what the same command does when it is over |
|---|---|---|---|"""
WIDEST = 330


def counted(n: int, one: str, many: str | None = None) -> str:
    """The number and its noun."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def seen(outcome: Outcome) -> str:
    """Exit status, and the lines that tell of trouble."""
    said = outcome.first
    lines = [line for line in said.notes if not line.startswith("opener: ") and "writing to" not in line]
    lines += [line for line in said.out.splitlines() if line.startswith(("failed:", "not finished:"))]
    tally = [f"{found[-1]} in the line of progress"] if (found := re.findall(r"\d+ x 429", said.err)) else []
    return f"status {said.status}" + "".join(f"<br>{cell(line, outcome)}" for line in [*lines, *tally])


def kept(case: Case, outcome: Outcome) -> str:
    """Dialogues, failures and turns after the first call."""
    disk = outcome.disk
    parts = [counted(len(disk.dialogues), "dialogue"), f"{counted(disk.turns, 'turn')} in the journal"]
    for failure in disk.failures[:1]:
        kind = Counter(one["reason"] for one in disk.failures).most_common()
        reasons = ", ".join(f"{count} `{reason}`" for reason, count in kind)
        parts.append(f"failures: {reasons}, with {counted(len(failure['messages']), 'message')}")
        parts.append(f"detail: {cell(failure['detail'], outcome)}")
    return "<br>".join([*parts, case.note] if case.note else parts)


def over(outcome: Outcome) -> str:
    """What the second call asked, and what there is then."""
    flags = " ".join(mending(outcome.disk))
    asked = f"{counted(len(outcome.asked_again), 'request')}, {outcome.repeated} repeated"
    with_flags = f" with `{flags}`" if flags else ""
    return f"status {outcome.again.status}{with_flags}: {asked}; {counted(len(outcome.after.dialogues), 'dialogue')}"


def cell(text: str, outcome: Outcome) -> str:
    """The text as it may stand in a table, without what differs from machine to machine."""
    for folder in ("disk/run", "run"):
        text = text.replace(f"{outcome.place}/{folder}", "RUN")
    text = re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1:PORT", text)
    text = re.sub(r"\('127\.0\.0\.1', \d+\)", "127.0.0.1:PORT", re.sub(r"pid \d+", "pid PID", text))
    text = text if len(text) <= WIDEST else f"{text[:WIDEST]}…"
    return text.replace("|", "\\|").replace("<", "&lt;")


async def row(case: Case) -> str:
    """One line of the table."""
    with tempfile.TemporaryDirectory() as place:
        try:
            outcome = await case.play(case, Path(place))
        except NotHere as reason:
            return f"| {case.fault} | not played here: {reason} | | |"
        assert "Traceback" not in outcome.first.err, outcome.first.err
        return f"| {case.fault} | {seen(outcome)} | {kept(case, outcome)} | {over(outcome)} |"


async def main(word: str = "") -> None:
    print(HEAD)
    for case in CASES:
        if word in case.fault:
            print(await row(case), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
