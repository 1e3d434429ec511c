"""Triples put together by their heads, wherever these stand in a file; what is held is sixteen bytes a triple."""

from array import array
from collections.abc import Iterator, Sequence
from tempfile import TemporaryFile
from typing import NamedTuple

import numpy as np
import orjson

from dialogue.chance import hash64
from dialogue.disk import temporary


class Triple(NamedTuple):
    """What one row tells of its head."""

    line: int
    head: str
    language: str | None
    relation: str
    value: str


class Triples:
    """All triples of a file."""

    def __init__(self) -> None:
        self._spool = TemporaryFile("w+b")  # noqa: SIM115 - open as long as there is something to read
        self._ends, self._heads = array("Q", [0]), array("Q")

    def add(self, triple: Triple) -> None:
        """The next one."""
        with temporary():
            size = self._spool.write(orjson.dumps([*triple]))
        self._ends.append(self._ends[-1] + size)
        self._heads.append(hash64(triple.head, triple.language))

    def groups(self) -> Iterator[list[Triple]]:
        """The triples of each head, in the order in which heads came up."""
        if not self._heads:
            return
        heads = np.frombuffer(self._heads, np.uint64)
        order = np.argsort(heads, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(heads[order])) + 1)
        for part in sorted(parts, key=lambda places: int(places[0])):
            yield [self._read(place) for place in part.tolist()]

    def _read(self, place: int) -> Triple:
        self._spool.seek(self._ends[place])
        return Triple(*orjson.loads(self._spool.read(self._ends[place + 1] - self._ends[place])))


def lines(found: Sequence[Triple]) -> dict[str, list[str]]:
    """The values by relation, each once, in the order in which they came up."""
    relations: dict[str, dict[str, None]] = {}
    for triple in found:
        relations.setdefault(triple.relation, {})[triple.value] = None
    return {relation: list(values) for relation, values in relations.items()}
