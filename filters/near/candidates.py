"""Pairs that are probably alike: those that share a bucket of a band and agree in their sketches.

A small bucket gives all its pairs. In a large one each member is compared with the bucket's leaders alone: the first
members, in the order in which copies are preferred, that do not themselves follow leaders. It gives pairs with the
first that it is likely to be alike to, and with the nearest. So a million answers that differ in a name give a few
million pairs. What is kept after that is looked at again (decision.py).
"""

from collections.abc import Iterator
from itertools import accumulate
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.kernels.jit import jit
from filters.near.bands import Field, buckets
from filters.near.documents import Numbers
from filters.near.shape import Shape
from filters.near.verify import merged, packed

SMALL = 64
"""Members of a bucket up to which all pairs are compared: 32 a member."""
LEADERS = 256
"""Leaders of a large bucket; members that are alike to none of so many are not compared with one another."""
NEAR = 2
"""Leaders that a member follows: the first that are likely alike, and as many of the nearest others."""
ENOUGH = 4
"""Leaders that a member is surely alike to, over all bands, from which on it is not compared any more."""
_SLICE = 4096
"""Members of a large bucket that are compared at once."""
_ROOM = 1 << 20
"""Pairs collected at once, 8 MB."""
_HELD = 1 << 22
"""Pairs, many of them met in several bands, above which repeats are sorted out: 32 MB."""


class Cut(NamedTuple):
    """How many bytes of two sketches must agree."""

    perhaps: int
    """To be compared exactly: of pairs just at the threshold one in 100,000 is lost; 28 of 64 at 0.7."""
    likely: int
    """As many as pairs at the threshold have on average: 45 of 64 at 0.7."""
    surely: int
    """As many as one in 50 pairs at the threshold has: 53 of 64 at 0.7."""


def cut(threshold: float, size: int) -> Cut:
    """The cuts for sketches of so many bytes, which agree in Binomial(size, J) of them."""
    each = [comb(size, k) * threshold**k * (1 - threshold) ** (size - k) for k in range(size + 1)]
    below = list(accumulate(each, initial=0.0))  # below[k]: less than k agree
    perhaps = max(k for k in range(size + 1) if below[k] <= 1e-5)
    surely = min((k for k in range(size + 1) if 1 - below[k] <= 0.02), default=size)
    return Cut(perhaps, round(size * threshold), surely)


class Found(NamedTuple):
    """What a walk through the bands gave."""

    pairs: NDArray[np.uint64]
    """Packed pairs of document numbers, the smaller first, ascending, each once."""
    large: NDArray[np.bool_]
    """(places,) members of large buckets, which still have to be compared with their leaders."""
    capped: int = 0
    """Large buckets in which members were left that are alike to no leader."""


def candidates(field: Field, shape: Shape, threshold: float, lead: bool = False) -> Found:
    """All probable pairs of small buckets, and who is in a large one.

    With `lead`, for a field in the order of preference, also the pairs of members of large buckets with their leaders.
    """
    limits, places, found = cut(threshold, field.sketches.shape[1]), field.places(), _Heap(field)
    large, capped = np.zeros(len(field.numbers), np.bool_), 0
    sure = np.zeros(len(field.numbers), np.uint8)
    out = np.empty((_ROOM + SMALL * (len(field.numbers) - field.real), 2), np.int32)
    for band in range(shape.bands):
        keys, at = buckets(field, places, shape, band), 0
        while at < len(keys):
            at, count = _small(
                keys, field.bits, field.earlier, field.real, field.sketches, limits.perhaps, at, out, large
            )
            found.add(out[:count])
        if lead:
            capped += sum(_follow(field, members, limits, sure, found) for members in _large_buckets(keys, field))
    return Found(found.pairs(), large, capped)


class _Heap:
    """Pairs as they are found, repeats sorted out now and then."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._parts = [np.empty(0, np.uint64)]
        self._new = 0

    def add(self, places: NDArray[np.int32]) -> None:
        """Add pairs of places (pairs, 2)."""
        numbers = self._field.numbers[places]
        self.add_packed(packed(numbers.min(axis=1), numbers.max(axis=1)))

    def add_packed(self, pairs: NDArray[np.uint64]) -> None:
        self._parts.append(pairs)
        self._new += len(pairs)
        if self._new > max(_HELD, len(self._parts[0])):
            self._parts, self._new = [merged(*self._parts)], 0

    def pairs(self) -> NDArray[np.uint64]:
        """All pairs once, ascending."""
        return merged(*self._parts)


def _large_buckets(keys: NDArray[np.uint64], field: Field) -> Iterator[Numbers]:
    """The places in each bucket of more than SMALL real members."""
    changes = np.diff(keys >> np.uint64(field.bits), prepend=~keys[:1] >> np.uint64(field.bits)) != 0
    bounds = np.append(np.flatnonzero(changes), len(keys))
    mask = np.uint64((1 << field.bits) - 1)
    for number in np.flatnonzero(np.diff(bounds) > SMALL).tolist():
        members = (keys[bounds[number] : bounds[number + 1]] & mask).astype(np.int64)
        if members[SMALL] < field.real:
            yield members


def _follow(field: Field, members: Numbers, limits: Cut, sure: NDArray[np.uint8], found: _Heap) -> bool:
    """Collect a large bucket's pairs with its leaders; whether members were left that follow none."""
    leaders, state = np.empty(LEADERS, np.int64), np.zeros(2, np.int64)
    out = np.empty((min(len(members), _SLICE) * 2 * NEAR, 2), np.int32)
    for start in range(0, len(members), _SLICE):
        part = members[start : start + _SLICE]
        count = _lead(part, field.earlier, field.real, field.sketches, *limits, sure, leaders, state, out)
        found.add(out[:count])
    return bool(state[1])


@jit
def _agreeing(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> int:
    agreeing = 0
    for byte in range(len(one)):
        agreeing += one[byte] == two[byte]
    return agreeing


@jit
def _small(
    keys: NDArray[np.uint64],
    bits: int,
    earlier: NDArray[np.bool_],
    real: int,
    sketches: NDArray[np.uint8],
    perhaps: int,
    at: int,
    out: NDArray[np.int32],
    large: NDArray[np.bool_],
) -> tuple[int, int]:
    """Fill in probable pairs of small buckets from key `at` on, until there is no room; the next key, and the count."""
    mask, shift, count = np.uint64((1 << bits) - 1), np.uint64(bits), 0
    while at < len(keys):
        stop, reals = at, 0
        while stop < len(keys) and keys[stop] >> shift == keys[at] >> shift:
            if np.int64(keys[stop] & mask) < real:
                reals += 1
            stop += 1
        if reals > SMALL:
            for place in range(at, stop):
                large[np.int64(keys[place] & mask)] = True
            at = stop
            continue
        if count + reals * (reals - 1) // 2 + reals * (stop - at - reals) > len(out):
            break
        for second in range(at + 1, stop):
            two = np.int64(keys[second] & mask)
            for first in range(at, min(second, at + reals)):
                one = np.int64(keys[first] & mask)
                if earlier[one] and earlier[two]:
                    continue
                if _agreeing(sketches[one], sketches[two]) >= perhaps:
                    out[count, 0], out[count, 1] = one, two
                    count += 1
        at = stop
    return at, count


@jit
def _lead(
    members: NDArray[np.int64],
    earlier: NDArray[np.bool_],
    real: int,
    sketches: NDArray[np.uint8],
    perhaps: int,
    likely: int,
    surely: int,
    sure: NDArray[np.uint8],
    leaders: NDArray[np.int64],
    state: NDArray[np.int64],
    out: NDArray[np.int32],
) -> int:
    """Fill in the members' pairs with leaders, and take on new leaders; the count of pairs, 2 * NEAR a member at most.

    A member has pairs with the first leaders that are likely alike, and where none is surely so with the nearest.
    `state` holds the number of leaders, and of members that could not become one.
    """
    count = 0
    nearest, agreed = np.empty(NEAR, np.int64), np.empty(NEAR, np.int64)
    for two in members:
        if sure[two] >= ENOUGH:
            continue
        first, follows = 0, False
        agreed[:] = perhaps - 1
        for number in range(state[0]):
            one = leaders[number]
            agreeing = _agreeing(sketches[one], sketches[two])
            if agreeing >= surely:
                follows = True
                sure[two] += two < real and sure[two] < ENOUGH
            if agreeing >= likely and first < NEAR:
                first += 1
                if not (earlier[one] and earlier[two]):
                    out[count, 0], out[count, 1] = one, two
                    count += 1
            elif agreeing > agreed[-1]:
                place = NEAR - 1
                while place > 0 and agreeing > agreed[place - 1]:
                    nearest[place], agreed[place] = nearest[place - 1], agreed[place - 1]
                    place -= 1
                nearest[place], agreed[place] = one, agreeing
        for place in range(0 if follows else NEAR):
            if agreed[place] >= perhaps and not (earlier[nearest[place]] and earlier[two]):
                out[count, 0], out[count, 1] = nearest[place], two
                count += 1
        if two < real and not follows and first < NEAR:
            if state[0] < len(leaders):
                leaders[state[0]] = two
                state[0] += 1
            else:
                state[1] += 1
    return count
