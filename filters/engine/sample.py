"""A sample of the kept dialogues, drawn by their ids: the same whatever the order and the cut of the input."""

import heapq
from collections.abc import Iterable

from dialogue.records import Dialogue
from filters.engine.rows import Row, formats

LONG_BYTES = 10_000
"""Dialogues up to this size on average fill the sample; longer ones may leave it short."""


class Sample:
    """The `size` dialogues whose ids have the smallest hashes."""

    def __init__(self, size: int, corpus_bytes: int) -> None:
        self._size = size
        share = min(1.0, size * LONG_BYTES / max(1, corpus_bytes))
        self.below = int(share * (2**64 - 1)) if size else 0
        """No id with a hash from this on is looked at."""
        self._found: list[tuple[int, bytes]] = []

    def add(self, drawn: Iterable[tuple[int, bytes]]) -> None:
        """Take hashes and lines."""
        self._found = heapq.nsmallest(self._size, [*self._found, *drawn])

    def dialogues(self) -> list[Dialogue]:
        """The sample."""
        return [Row(line.rstrip(b"\n"), formats("messages")).dialogue for _, line in self._found]
