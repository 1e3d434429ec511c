"""gen show: read dialogues in the terminal."""

import argparse
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from dialogue.errors import UsageError

if TYPE_CHECKING:
    from dialogue.records import Failure

Item = TypeVar("Item")
DROPPED = "dropped.jsonl"
"""The file of a filter's folder whose lines hold dialogues with the reason for which they were dropped."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "run",
        metavar="RUN",
        help="a run's or a filter's folder, a file or folder of dialogues in any layout, or dropped.jsonl",
    )
    parser.add_argument("id", metavar="ID", nargs="?", help="one dialogue by its id, or by the beginning of it")
    parser.add_argument("--random", metavar="N", type=count, help="N dialogues drawn at random")
    parser.add_argument("--failures", action="store_true", help="the failed ones, with reasons and partial turns")
    parser.add_argument("--n", metavar="N", type=count, default=3, help="how many to show (default: 3)")


def count(text: str) -> int:
    """A whole number above 0, as argparse wants it."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number above 0")
    return int(text)


def command(arguments: argparse.Namespace) -> int:
    """Print the dialogues; status 0."""
    reports = list(_reports(arguments))
    if not reports and arguments.failures and arguments.id is None:
        print("no failed dialogues")
        return 0
    if not reports:
        what = f"no dialogue {arguments.id}" if arguments.id else "nothing yet"
        raise UsageError(f"{arguments.run}: {what}")
    print("\n\n".join(reports))
    return 0


def _reports(arguments: argparse.Namespace) -> Iterator[str]:
    from dialogue.reading import read
    from gen.text import dialogue_report, failure_report

    path, id = Path(arguments.run), arguments.id
    if arguments.failures:
        file = path / "failures.jsonl" if path.is_dir() else path
        found = _failures(file) if file.exists() else iter(())
        chosen = (failure for failure in found if id is None or failure.id.startswith(id))
        yield from map(failure_report, _some(chosen, arguments))
        return
    if path.name == DROPPED and path.exists():
        drops = ((id, text) for id, text in _drops(path) if arguments.id is None or id.startswith(arguments.id))
        yield from (text for _, text in _some(drops, arguments))
        return
    dialogues = (dialogue for dialogue in read(path, fold=False) if id is None or dialogue.id.startswith(id))
    yield from map(dialogue_report, _some(dialogues, arguments))


def _failures(file: Path) -> Iterator["Failure"]:
    from pydantic import ValidationError

    from dialogue.jsonl import objects
    from dialogue.records import Failure, one_line

    for number, row in objects(file):
        try:
            yield Failure.model_validate(row)
        except ValidationError as error:
            raise UsageError(f"{file}:{number}: no failed dialogue ({one_line(error)})") from None


def _drops(file: Path) -> Iterator[tuple[str, str]]:
    """Id and text of each dialogue that a filter has dropped."""
    from dialogue.jsonl import objects
    from dialogue.records import decode
    from gen.text import dialogue_report, safe

    for number, row in objects(file):
        try:
            head = f"dropped by {row['filter']}: {row['reason']}"
            yield row["id"], f"{safe(head)}\n{dialogue_report(decode(row['record']))}"
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise UsageError(f"{file}:{number}: no dropped dialogue ({error!r})") from None


def _some(items: Iterator[Item], arguments: argparse.Namespace) -> list[Item]:
    """The first ones, or a random sample that keeps no more than it needs."""
    if arguments.random is None:
        return list(islice(items, arguments.n))
    kept: list[Item] = []
    for place, item in enumerate(items):
        if len(kept) < arguments.random:
            kept.append(item)
        elif (slot := random.randrange(place + 1)) < len(kept):
            kept[slot] = item
    return kept
