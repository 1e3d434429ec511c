"""An inverted index in flat arrays: which items hold a hash, at 11 to 14 bytes a posting, all growth included.

A dict of lists takes about ten times that. Arrays grow by a sixteenth of themselves, in place. The slots double: the
old ones go first, then all postings are linked anew in blocks, 0.1 to 0.3 us each.
"""

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_NONE = np.empty(0, np.int32)

_CHAIN = 32
"""Links of a slot's chain at most: a longer one is moved to arrays, which numpy reads at a stroke."""
_BLOCK = 1 << 16
"""Postings linked at once: 3 MB of scratch memory."""


class Postings:
    """Append-only. Items are numbered 0, 1, 2 ...; a posting is one of an item's hashes, numbered likewise."""

    def __init__(self) -> None:
        self._keys = array("I")
        self._starts = array("I", [0])
        """Number of each item's first posting, and at the end that of the next item's."""
        self._next = array("i")
        """The posting before this one in its slot's chain, or -1."""
        self._common: defaultdict[int, array[int]] = defaultdict(partial(array, "i"))
        """Items of the hashes that came in chains grown too long, ascending; later ones are in the chain."""
        self._reset(1 << 10)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def append(self, keys: Iterable[int]) -> None:
        """Add one item under these hashes."""
        heads, counts, mask, crowded = self._heads, self._counts, self._mask, []
        for key in keys:
            slot = key & mask
            self._next.append(heads[slot])
            heads[slot] = len(self._keys)
            self._keys.append(key)
            counts[slot] += 1
            if counts[slot] > _CHAIN:
                crowded.append(slot)
        self._starts.append(len(self._keys))
        for slot in crowded:
            self._move(slot)
        if len(self._keys) > 2 * len(heads):
            self._reset(2 * len(heads))
            self._link(0)

    def extend(self, keys: Sequence[int], counts: Sequence[int]) -> None:
        """Add many items, the first under the first `counts[0]` of the hashes, and so on."""
        first = len(self._keys)
        ends = first + np.cumsum(np.array(counts, np.int64))
        self._starts.frombytes(ends.astype(np.uint32).tobytes())
        self._keys.extend(keys)
        self._next.extend(array("i", [-1]) * len(keys))
        slots = len(self._heads)
        while len(self._keys) > 2 * slots:
            slots *= 2
        if slots > len(self._heads):
            self._reset(slots)
            first = 0
        self._link(first)

    def held(self, key: int) -> int:
        """The most items that can hold the hash."""
        return self._counts[key & self._mask] + (len(self._common[key]) if key in self._common else 0)

    def common(self, key: int) -> NDArray[np.int32]:
        """The items that hold the hash, but for the last few, ascending."""
        return np.frombuffer(self._common[key], np.int32) if key in self._common else _NONE

    def chained(self, key: int) -> list[int]:
        """The last few items that hold the hash, `_CHAIN` at most, falling."""
        keys, links, starts = self._keys, self._next, self._starts
        found, at = [], self._heads[key & self._mask]
        while at >= 0:
            if keys[at] == key:
                found.append(bisect_right(starts, at) - 1)
            at = links[at]
        return found

    def keys(self, item: int) -> "array[int]":
        """The hashes of an item."""
        return self._keys[self._starts[item] : self._starts[item + 1]]

    def keys_of(self, items: Ints) -> tuple[NDArray[np.uint32], Ints]:
        """The hashes of the items end to end, and where each item's hashes begin."""
        starts = np.frombuffer(self._starts, np.uint32)
        first = starts[items].astype(np.int64)
        counts = starts[items + 1] - first
        begins = np.cumsum(counts) - counts
        postings = np.arange(counts.sum()) + np.repeat(first - begins, counts)
        return np.frombuffer(self._keys, np.uint32)[postings], begins

    def _move(self, slot: int) -> None:
        """Empty the slot's chain into the arrays of its hashes."""
        chain, at = [], self._heads[slot]
        while at >= 0:
            chain.append(at)
            at = self._next[at]
        chain.reverse()
        items = np.searchsorted(np.frombuffer(self._starts, np.uint32), np.array(chain, np.uint32), side="right") - 1
        for at, item in zip(chain, items.tolist(), strict=True):
            self._common[self._keys[at]].append(item)
        self._heads[slot] = -1
        self._counts[slot] = 0

    def _reset(self, slots: int) -> None:
        self._mask = slots - 1
        self._common.clear()
        self._heads = array("i")  # the old table goes before the new one comes
        self._heads = array("i", [-1]) * slots
        self._counts = bytearray(slots)

    def _link(self, first: int) -> None:
        for start in range(first, len(self._keys), _BLOCK):
            keys = np.frombuffer(self._keys, np.uint32)[start : start + _BLOCK]
            self._link_block(start, (keys & np.uint32(self._mask)).astype(np.int64))

    def _link_block(self, start: int, slots: Ints) -> None:
        """Chain the postings from `start` on, whose slots these are."""
        order = np.argsort(slots, kind="stable")
        slots, postings = slots[order], start + order
        opens = np.flatnonzero(np.diff(slots, prepend=-1))  # where a slot's run begins
        runs = np.diff(opens, append=len(slots))
        slots = slots[opens]
        heads, counts = np.frombuffer(self._heads, np.int32), np.frombuffer(self._counts, np.uint8)
        before = np.roll(postings, 1)
        before[opens] = heads[slots]
        np.frombuffer(self._next, np.int32)[postings] = before
        heads[slots] = postings[opens + runs - 1]
        runs += counts[slots]
        counts[slots] = np.minimum(runs, _CHAIN)
        for slot in slots[runs > _CHAIN].tolist():
            self._move(slot)
