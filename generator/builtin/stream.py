"""Chance for one answer: numbers that follow from a 64-bit start, without building a `random.Random` for each request.

A 64-bit linear congruential generator (Knuth's MMIX constants) of which only the high half is used; the start comes
from `hash64`, so neighbouring requests share nothing. One number costs a quarter of a microsecond.
"""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

MASK = 2**64 - 1


class Stream:
    """A stream of numbers from a start."""

    __slots__ = ("_state",)

    def __init__(self, start: int) -> None:
        self._state = start & MASK

    def below(self, n: int) -> int:
        """A number from 0 to n - 1; n up to 2**32."""
        self._state = state = (self._state * 6364136223846793005 + 1442695040888963407) & MASK
        return (state >> 32) * n >> 32

    def share(self) -> float:
        """A number in [0, 1)."""
        return self.below(1 << 32) / 4294967296.0

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]

    def distinct(self, n: int, count: int) -> list[int]:
        """`count` numbers below n in an order of chance, none twice until all n have been used."""
        found: list[int] = []
        left = list(range(n))
        for _ in range(count):
            left = left or list(range(n))
            place = self.below(len(left))
            left[place], left[-1] = left[-1], left[place]
            found.append(left.pop())
        return found
