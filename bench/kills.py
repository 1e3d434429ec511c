"""Kills `gen run` again and again with kill -9, and counts what was lost, made twice or paid for twice.

    python -m bench.kills [--kills 20] [--dialogues 2000] [--seeds 1,2,3]

For each run seed: one run that is never killed, then a run of the same command in another folder that is killed at
random moments (seeded), in start-up too, and called again. Both talk to an endpoint whose answers depend on the
messages alone, 30 ms +- 10 away, 64 dialogues in flight. Prints Markdown rows:

    turns before a kill   turns that stood in the journal when the process was killed
    lost                  those of them that the finished dialogues do not hold word for word
    in flight             requests that the server had got at a kill and the folder had no answer to: their sum, and the
                          most at one kill, of dialogues (64 at a time) and of the opener writer
    unanswered            those of them that the server had not answered yet
    repeated              requests that the server got more than once, told by the hash of their messages
    equal                 whether ids and openers, and all messages, are those of the run never killed
"""

import argparse
import random
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench import made
from bench.child import endpoint, gen_run, page, run, shown, start

SERVER = ("--by-hash", "--latency-ms", "30", "--jitter-ms", "10")
FLIGHT = 64
START_UP_S = 1.5
"""A kill whose moment had passed before its process began comes within so many seconds of its start."""
LATEST = 0.97
"""Of the run's requests: a kill that comes later may find it done."""
POLL_S, JITTER_S, SETTLED_S = 0.01, 0.05, 0.1
HEADER = (
    "| seed | dialogues | kills | turns before a kill | lost | duplicate ids | in flight: sum, most | unanswered "
    "| repeated | ids and openers equal | messages equal |\n" + "|---" * 11 + "|"
)


@dataclass(slots=True)
class Outcome:
    """What a run that was killed again and again left behind."""

    seed: int
    dialogues: int
    kills: int = 0
    turns: made.Turns = field(default_factory=dict)
    """Turns journalled before a kill."""
    in_flight: list[tuple[int, int]] = field(default_factory=list)
    """At each kill: of dialogues, and of the opener writer."""
    changed: int = 0
    """Turns that a later journal holds in other words."""
    lost: int = 0
    duplicates: int = 0
    unanswered: int = 0
    repeated: int = 0
    same_openers: bool = False
    same_messages: bool = False

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        kept = self.same_openers and self.same_messages and self.repeated <= self.flown
        return kept and not (self.lost or self.changed or self.duplicates) and self._most()[0] <= FLIGHT

    @property
    def flown(self) -> int:
        """Requests in flight at all kills together."""
        return sum(map(sum, self.in_flight))

    def _most(self) -> tuple[int, int]:
        turns, lists = zip((0, 0), *self.in_flight, strict=True)
        return max(turns), max(lists)

    def row(self) -> str:
        """As a row of the table."""
        flight = f"{self.flown}, {self._most()[0]} + {self._most()[1]}"
        return (
            f"| {self.seed} | {self.dialogues:,} | {self.kills} | {len(self.turns):,} | {self.lost + self.changed} "
            f"| {self.duplicates} | {flight} | {self.unanswered} | {self.repeated} "
            f"| {'yes' if self.same_openers else 'NO'} | {'yes' if self.same_messages else 'NO'} |"
        )


def command(folder: Path, dialogues: int, base_url: str, seed: int) -> list[str]:
    """The run that is killed, and called again word for word."""
    return gen_run(folder, dialogues, base_url, "--seed", str(seed), "--concurrency", str(FLIGHT))


def trial(seed: int, kills: int, dialogues: int, folder: Path) -> Outcome:
    """One run seed: the run never killed, the run killed so many times, and what differs."""
    whole, killed, notes = (folder / f"{seed}-{name}" for name in ("whole", "killed", "notes"))
    outcome = Outcome(seed, dialogues)
    with endpoint(*SERVER) as base_url:
        run(command(whole, dialogues, base_url, seed), statuses=(0, 1))
        chance, total = random.Random(seed), received(base_url)
        page(base_url, "/reset", b"")
        for moment in sorted(chance.uniform(0, LATEST) * total for _ in range(kills)):
            with notes.open("w") as file:
                child = start(command(killed, dialogues, base_url, seed), stderr=file)
            if not _kill(child, base_url, moment, chance):
                raise RuntimeError(f"the run ended by itself, status {child.returncode}: {notes.read_text()[-2000:]}")
            _note(outcome, killed, base_url)
        run(command(killed, dialogues, base_url, seed), statuses=(0, 1))
        outcome.repeated = sum(times - 1 for times in page(base_url, "/seen").values())
        outcome.unanswered = page(base_url, "/stats")["deserted"]
    _compare(outcome, whole, killed)
    return outcome


def received(base_url: str) -> int:
    """Chat requests that the endpoint has got since it was reset."""
    return int(page(base_url, "/count")["received"])


def _kill(child: "subprocess.Popen[str]", base_url: str, moment: float, chance: random.Random) -> bool:
    """Kill the run when the server has got so many requests, or soon where it has them already; False: it was over."""
    late = received(base_url) >= moment
    while child.poll() is None and received(base_url) < moment:
        time.sleep(POLL_S)
    with suppress(subprocess.TimeoutExpired):
        child.wait(chance.random() * (START_UP_S if late else JITTER_S))
    child.kill()
    return child.wait() == -signal.SIGKILL


def _note(outcome: Outcome, folder: Path, base_url: str) -> None:
    """Count what was on the wire at a kill, once the server has read all of it, and keep what the journal holds."""
    time.sleep(SETTLED_S)
    now = page(base_url, "/count")
    while now != (now := page(base_url, "/count")) or now["in_flight"]:
        time.sleep(POLL_S)
    turns, lists = made.answered(folder)
    earlier_turns, earlier_lists = (sum(column) for column in zip((0, 0), *outcome.in_flight, strict=True))
    in_flight = now["received"] - now["lists"] - turns - earlier_turns, now["lists"] - lists - earlier_lists
    outcome.in_flight.append(in_flight)
    outcome.kills += 1
    found = made.journalled(folder)
    outcome.changed += sum(found.get(place) != turn for place, turn in outcome.turns.items())
    outcome.turns |= found


def _compare(outcome: Outcome, whole: Path, killed: Path) -> None:
    """Set the folder of the killed run beside the journal at each kill and beside the run never killed."""
    ids, said, openers = made.ids(killed), made.said(killed), made.openers(killed)
    outcome.duplicates = len(ids) - len(set(ids))
    for (index, place), (role, content) in outcome.turns.items():
        messages = said.get(openers[index][0], [])
        there = place < len(messages) and (messages[place]["role"], messages[place]["content"]) == (role, content)
        outcome.lost += not there
    outcome.same_openers = openers == made.openers(whole) and sorted(ids) == sorted(made.ids(whole))
    outcome.same_messages = said == made.said(whole)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--dialogues", type=int, default=2000)
    parser.add_argument("--seeds", type=lambda text: [int(part) for part in text.split(",")], default=[1, 2, 3])
    asked = parser.parse_args()
    print(HEADER, flush=True)
    good = True
    with tempfile.TemporaryDirectory() as name:
        for seed in asked.seeds:
            outcome = trial(seed, asked.kills, asked.dialogues, Path(name))
            print(outcome.row(), flush=True)
            good &= outcome.good
    print(f"\neach call: `{shown(command(Path('OUT'), asked.dialogues, 'URL', asked.seeds[0]))}`")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
