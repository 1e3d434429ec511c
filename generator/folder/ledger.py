"""Which dialogues are done, open or failed: what the events of a journal add up to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


class Bitmap:
    """A set of small integers, one bit each: 1.25 MB for ten million."""

    def __init__(self, bits: bytes = b"") -> None:
        self._bits = bytearray(bits)
        self._count = int.from_bytes(bits, "little").bit_count()

    def __contains__(self, index: int) -> bool:
        byte = index >> 3
        return byte < len(self._bits) and bool(self._bits[byte] >> (index & 7) & 1)

    def __len__(self) -> int:
        return self._count

    def __bytes__(self) -> bytes:
        return bytes(self._bits)

    def add(self, index: int) -> None:
        if index in self:
            return
        byte = index >> 3
        if byte >= len(self._bits):
            self._bits.extend(bytes(byte + 1 - len(self._bits)))
        self._bits[byte] |= 1 << (index & 7)
        self._count += 1

    def discard(self, index: int) -> None:
        if index in self:
            self._bits[index >> 3] &= ~(1 << (index & 7))
            self._count -= 1

    def beyond(self, start: int) -> Iterator[int]:
        """Those of `start` and above, ascending."""
        return (index for index in range(start, len(self._bits) * 8) if index in self)

    def minus(self, other: "Bitmap") -> Iterator[int]:
        """Those of this set that are not in the other, ascending."""
        theirs = other._bits + bytes(max(0, len(self._bits) - len(other._bits)))
        for byte, (mine, their) in enumerate(zip(self._bits, theirs, strict=False)):
            if left := mine & ~their:
                yield from (byte << 3 | bit for bit in range(8) if left >> bit & 1)


@dataclass(slots=True)
class Unfinished:
    """An open dialogue: where in the journal its finished turns stand."""

    anchor: int
    """The first line that a replay has to read in order to know of it."""
    at: list[int] = field(default_factory=list)
    """The offsets of its `turn`, `reply` and `spent` lines."""


class Ledger:
    """The sum of a journal.

    Every event passes through `apply`, whether it has just been written or is read again at resume, so that the
    state in memory and the state after a kill cannot differ. Applying the events from `low()` on a second time
    changes nothing, which is why a checkpoint may be as old as it likes.
    """

    def __init__(self, done: bytes = b"", failed: Mapping[int, int] | None = None) -> None:
        self.done = Bitmap(done)
        self.open: dict[int, Unfinished] = {}
        self.failed: dict[int, int] = dict(failed or {})
        """The offset of each failed dialogue's `fail` line."""
        self.changes = 0
        """Grows with every change of `failed`."""

    def low(self, end: int) -> int:
        """The smallest offset that an open dialogue still needs; `end` where none is open."""
        return min((unfinished.anchor for unfinished in self.open.values()), default=end)

    def at(self, index: int) -> list[int]:
        """The offsets of what was said and paid in an open dialogue; none of any other."""
        unfinished = self.open.get(index)
        return list(unfinished.at) if unfinished else []

    def apply(self, event: Mapping[str, Any], offset: int) -> None:
        """Count the event that stands at the offset; ValueError, KeyError or TypeError where it is none."""
        kind = event["k"]
        if kind in ("turn", "reply", "spent"):
            self.open.setdefault(event["i"], Unfinished(offset)).at.append(offset)
        elif kind == "done":
            self._close(event["i"])
            self.done.add(event["i"])
        elif kind == "fail":
            self._close(event["i"])
            self.failed[event["i"]] = offset
            self.changes += 1
        elif kind == "retry":
            self._close(event["i"])
            self.done.discard(event["i"])
            if event["at"]:
                self.open[event["i"]] = Unfinished(offset, list(event["at"]))
        else:
            raise ValueError(f"no event is called {kind!r}")

    def _close(self, index: int) -> None:
        self.open.pop(index, None)
        if self.failed.pop(index, None) is not None:
            self.changes += 1
