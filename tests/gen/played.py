"""One fault played through: a run that meets it, the folder it leaves, and the same command when all is well again."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runs import KEY, Body, Disk, Said, Watched, gen, good, leaks, question, questions, write_config, write_openers

if TYPE_CHECKING:
    from cases import Case


@dataclass(frozen=True)
class Outcome:
    """Everything that a case left to look at."""

    first: Said
    disk: Disk
    """After the first call."""
    asked: list[Body]
    """By the first call."""
    statuses: Counter[int]
    """Of the server's answers to it."""
    again: Said
    after: Disk
    """After the second call."""
    asked_again: list[Body]
    repeated: int
    """Questions of the second call that had been answered without fault before."""
    leaked: list[str]
    """Files that hold the key."""
    place: Path


def command(case: "Case", place: Path, *urls: str, folder: Path | None = None) -> tuple[object, ...]:
    """The words of the run, its files written."""
    config = write_config(place / "run.toml", *urls, endpoint=case.endpoint, roles=case.roles)
    openers = write_openers(place / "openers.txt", questions(case.n))
    out = folder or place / "run"
    return (
        "run",
        "--config",
        config,
        "--openers",
        openers,
        "--n",
        case.n,
        "--rounds",
        "2-2",
        "--out",
        out,
        *case.flags,
    )


def mending(disk: Disk) -> tuple[str, ...]:
    """What to add to the command so that it finishes everything."""
    return ("--retry-failed",) if disk.failures else ()


async def played(case: "Case", place: Path) -> Outcome:
    """The case on one server, which is well again when the command is given a second time."""
    async with Watched(case.behave()) as server:
        words = command(case, place, server.base_url)
        first = await gen(*words)
        mark, statuses, answered = server.requests, Counter(server.statuses), Counter(server.answered)
        disk = Disk.of(place / "run")
        server.act = good
        again = await gen(*words, *mending(disk))
        assert all(headers["authorization"] == f"Bearer {KEY}" for headers in server.headers), "the key was sent"
        return outcome(
            place, place / "run", first, disk, again, server.bodies[:mark], server.bodies[mark:], answered, statuses
        )


def outcome(
    place: Path,
    folder: Path,
    first: Said,
    disk: Disk,
    again: Said,
    asked: list[Body],
    asked_again: list[Body],
    answered: Counter[str],
    statuses: Counter[int],
) -> Outcome:
    """What there is to look at, once both calls have ended."""
    repeated = sum(question(body) in answered for body in asked_again)
    return Outcome(
        first, disk, asked, statuses, again, Disk.of(folder), asked_again, repeated, leaks(place, folder), place
    )
