"""failures.jsonl: the dialogues that are failed now, written anew from the journal as a whole."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson

from dialogue.jsonl import write_atomically
from generator.folder.appendlog import parse

EVERY_S = 10.0
"""How long at least a file of failures stands before it is written anew."""

SHARE = 0.05
"""The most of the time that writing it may take, however many there are."""


class Failures:
    """Knows when the file was written last, and how long that took."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._next = 0.0
        self._written: int | None = None

    def due(self, changes: int) -> bool:
        """Whether there is something new to write, and time for it."""
        return changes != self._written and time.monotonic() >= self._next

    def write(self, failed: Mapping[int, int], changes: int) -> None:
        """Put in the file the failures whose `fail` lines stand at these offsets, in the order of their dialogues.

        `changes` is the ledger's count as of then. Memory does not grow with their number: each is read from the
        journal as it is written.
        """
        started = time.monotonic()
        write_atomically(self._journal.with_name("failures.jsonl"), self._lines(failed))
        ended = time.monotonic()
        self._written = changes
        self._next = ended + max(EVERY_S, (ended - started) / SHARE)

    def _lines(self, failed: Mapping[int, int]) -> Iterator[bytes]:
        with self._journal.open("rb") as file:
            for index in sorted(failed):
                file.seek(failed[index])
                event = parse(self._journal, failed[index], file.readline())
                yield orjson.dumps(event["failure"], option=orjson.OPT_APPEND_NEWLINE)
