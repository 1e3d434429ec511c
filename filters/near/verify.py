"""Exact Jaccard similarity of many pairs, from the n-gram hashes in the shards."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.kernels.grams import Grams
from filters.kernels.jit import jit
from filters.near.documents import Documents, Numbers

_HELD = 1 << 23
"""n-grams read at once, 32 MB, but always at least one pair."""


class Pairs(NamedTuple):
    """Pairs of documents, a < b, and how alike they are."""

    a: Numbers
    b: Numbers
    jaccard: NDArray[np.float64]

    def where(self, chosen: NDArray[np.bool_]) -> "Pairs":
        """Some of them."""
        return Pairs(self.a[chosen], self.b[chosen], self.jaccard[chosen])

    def below(self, number: int) -> "Pairs":
        """Those of documents below a number."""
        return self.where(self.b < number)

    def and_(self, others: "Pairs") -> "Pairs":
        """These and others."""
        return Pairs(*(np.concatenate(both) for both in zip(self, others, strict=True)))


def packed(a: Numbers, b: Numbers) -> NDArray[np.uint64]:
    """Pairs of document numbers below 2^32 as one number each; their order is that of a, then b."""
    return a.astype(np.uint64) << np.uint64(32) | b.astype(np.uint64)


def unpacked(pairs: NDArray[np.uint64]) -> tuple[Numbers, Numbers]:
    """The document numbers of packed pairs."""
    return (pairs >> np.uint64(32)).astype(np.int64), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)


def merged(*pairs: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """All these packed pairs once, ascending."""
    found = np.sort(np.concatenate(pairs))  # np.unique hashes, which takes ten times as long
    first: NDArray[np.bool_] = np.diff(found, prepend=~found[:1]) != 0
    return found[first]


def without(pairs: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The packed pairs that are not among others; both ascending."""
    if not len(others):
        return pairs
    new: NDArray[np.bool_] = others[np.minimum(np.searchsorted(others, pairs), len(others) - 1)] != pairs
    return pairs[new]


def verified(documents: Documents, pairs: NDArray[np.uint64], least: float) -> Pairs:
    """The pairs, packed and ascending, whose sets of n-grams are at least so alike."""
    a, b = unpacked(pairs)
    jaccard = np.zeros(len(pairs))
    for part, grams, left, right in _parts(documents, a, b):
        room = _room(grams)
        table, stamps = np.empty(room, np.uint32), np.full(room, -1, np.int64)
        distinct = np.empty(len(grams.first) - 1, np.int64)
        _count(*grams, table, stamps, distinct)
        _compare(*grams, distinct, left, right, least, table, stamps, jaccard[part])
    return Pairs(a, b, jaccard).where(jaccard >= least)


def equal(documents: Documents, a: Numbers, b: Numbers) -> NDArray[np.bool_]:
    """Which pairs, `a` ascending, have the same n-grams with the same repeats."""
    same = np.zeros(len(a), np.bool_)
    for part, grams, left, right in _parts(documents, a, b):
        _same(*grams, left, right, same[part])
    return same


def _parts(documents: Documents, a: Numbers, b: Numbers) -> Iterator[tuple[slice, Grams, Numbers, Numbers]]:
    """Pairs a part at a time, with the n-grams of their documents and the places of both in these."""
    changes = np.diff(a, prepend=-1) != 0
    held = np.cumsum(documents.sizes[b].astype(np.int64) + np.where(changes, documents.sizes[a], 0))
    start = 0
    while start < len(a):
        before = held[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(held, before + _HELD, side="right")))
        numbers, places = np.unique(np.concatenate([a[start:stop], b[start:stop]]), return_inverse=True)
        yield slice(start, stop), documents.grams(numbers), places[: stop - start], places[stop - start :]
        start = stop


def _room(grams: Grams) -> int:
    """A power of two, at least twice the n-grams of the longest text: a hash table at most half full."""
    return 2 << int(np.diff(grams.first).max(initial=1)).bit_length()


@jit
def _count(
    hashes: NDArray[np.uint32],
    first: NDArray[np.int64],
    table: NDArray[np.uint32],
    stamps: NDArray[np.int64],
    distinct: NDArray[np.int64],
) -> None:
    """Count each text's distinct n-grams. A slot of the table is taken where it bears the text's own stamp."""
    mask = len(table) - 1
    for text in range(len(first) - 1):
        found = 0
        for place in range(first[text], first[text + 1]):
            gram = hashes[place]
            slot = np.int64(gram) & mask
            while stamps[slot] == text and table[slot] != gram:
                slot = (slot + 1) & mask
            if stamps[slot] != text:
                stamps[slot], table[slot] = text, gram
                found += 1
        distinct[text] = found


@jit
def _compare(
    hashes: NDArray[np.uint32],
    first: NDArray[np.int64],
    distinct: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    least: float,
    table: NDArray[np.uint32],
    stamps: NDArray[np.int64],
    jaccard: NDArray[np.float64],
) -> None:
    """Fill in the Jaccard similarities, 0 where one is below `least`; pairs of one left text follow one another.

    The left text's n-grams are put in the table, the right one's looked up; one that is found counts once for a pair.
    """
    mask, stamp, filled = len(table) - 1, len(first), -1
    seen = np.full(len(table), -1, np.int64)
    for pair in range(len(left)):
        one, two = left[pair], right[pair]
        sizes = distinct[one] + distinct[two]
        # J >= t means shared >= t * (sizes - shared); half an n-gram of slack leaves the last word to the division
        need = least * sizes / (1 + least) - 0.5
        if min(distinct[one], distinct[two]) < need:
            continue
        if one != filled:
            stamp, filled = stamp + 1, one
            for place in range(first[one], first[one + 1]):
                gram = hashes[place]
                slot = np.int64(gram) & mask
                while stamps[slot] == stamp and table[slot] != gram:
                    slot = (slot + 1) & mask
                stamps[slot], table[slot] = stamp, gram
        shared = 0
        for place in range(first[two], first[two + 1]):
            gram = hashes[place]
            slot = np.int64(gram) & mask
            while stamps[slot] == stamp and table[slot] != gram:
                slot = (slot + 1) & mask
            if stamps[slot] == stamp and seen[slot] != pair:
                seen[slot] = pair
                shared += 1
            elif shared + first[two + 1] - place - 1 < need:
                break
        if shared > 0 and shared >= need:
            jaccard[pair] = shared / (sizes - shared)


@jit
def _same(
    hashes: NDArray[np.uint32],
    first: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    same: NDArray[np.bool_],
) -> None:
    for pair in range(len(left)):
        one = hashes[first[left[pair]] : first[left[pair] + 1]]
        two = hashes[first[right[pair]] : first[right[pair] + 1]]
        if len(one) != len(two):
            continue
        alike = True
        for place in range(len(one)):
            if one[place] != two[place]:
                alike = False
                break
        same[pair] = alike or np.array_equal(np.sort(one), np.sort(two))
