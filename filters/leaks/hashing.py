"""n-grams of words as 64-bit hashes, and tables in which hashes are looked up; compiled."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.kernels.jit import inlined, jit
from filters.leaks.wording import Hashes, Numbers, Words

U = np.uint64

_P1 = U(0x9E3779B185EBCA87)
_P2 = U(0xC2B2AE3D27D4EB4F)
_BATCH = 512


class Table(NamedTuple):
    """From 64-bit hashes to small numbers, by open addressing, with a bitmap in front that fits a core's cache."""

    bitmap: Hashes
    """Three bits of one word for each key, 8 to 16 bits a key in all: a blocked Bloom filter (Putze et al. 2007), which
    a few in a hundred of other hashes pass."""
    keys: Hashes
    """(a power of two,) 0 is an empty slot."""
    values: NDArray[np.int32]


def rolled(words: Words, n: int) -> Hashes:
    """(words,) a hash of the n words from each word on; 0 where the text has fewer left."""
    hashes = np.empty(len(words.hashes), np.uint64)
    _roll(words.hashes, words.first, n, hashes)
    return hashes


def table(keys: Hashes, values: NDArray[np.int32]) -> Table:
    """The table of these keys, which are distinct and not 0."""
    slots = 1 << max(4, int(2 * len(keys)).bit_length())
    bits = 1 << max(10, int(8 * len(keys)).bit_length())
    made = Table(np.zeros(bits >> 6, np.uint64), np.zeros(slots, np.uint64), np.zeros(slots, np.int32))
    _fill(keys, values, *made)
    return made


def present(hashes: Hashes, table: Table) -> tuple[Numbers, NDArray[np.int32]]:
    """The places of the hashes that the table holds, ascending, and their numbers; for tables that hold few of them."""
    places, numbers = np.empty(len(hashes), np.int64), np.empty(len(hashes), np.int32)
    count = _find(hashes, *table, places, numbers)
    return places[:count], numbers[:count]


def lookup(hashes: Hashes, table: Table) -> NDArray[np.int32]:
    """The number of each hash, -1 where it is not in the table; 0, which stands for no hash, never is."""
    found = np.empty(len(hashes), np.int32)
    _look(hashes, *table, found)
    return found


@jit
def _roll(hashes: Hashes, first: Numbers, n: int, rolled: Hashes) -> None:
    highest, before = U(1), U(n - 1)
    for _ in range(n - 1):
        highest *= _P1
    for text in range(len(first) - 1):
        start, end, value = U(first[text]), U(first[text + 1]), U(0)
        whole = max(start + before, end)  # n-grams end at start + before and later
        for word in range(start, min(start + before, end)):
            value = value * _P1 + hashes[word]
        for word in range(start + before, whole):
            value = value * _P1 + hashes[word]
            mixed = (value ^ value >> U(32)) * _P2
            rolled[word - before] = mixed ^ mixed >> U(29)
            value -= hashes[word - before] * highest
        for word in range(whole - before, end):
            rolled[word] = U(0)


@inlined
def _mark(key: U) -> U:
    return U(1) << (key >> U(46) & U(63)) | U(1) << (key >> U(52) & U(63)) | U(1) << (key >> U(58))


@jit
def _fill(keys: Hashes, values: NDArray[np.int32], bitmap: Hashes, slots: Hashes, numbers: NDArray[np.int32]) -> None:
    mask, blocks = U(len(slots) - 1), U(len(bitmap) - 1)
    for place in range(len(keys)):
        key = keys[place]
        bitmap[key >> U(12) & blocks] |= _mark(key)
        slot = key & mask
        while slots[slot] != 0:
            slot = (slot + U(1)) & mask
        slots[slot] = key
        numbers[slot] = values[place]


@jit
def _look(hashes: Hashes, bitmap: Hashes, slots: Hashes, numbers: NDArray[np.int32], found: NDArray[np.int32]) -> None:
    """Without a branch, which the bitmap lets most hashes do without, several looks are under way at once."""
    mask, blocks = U(len(slots) - 1), U(len(bitmap) - 1)
    likely = np.empty(_BATCH + 1, np.uint64)
    for begin in range(U(0), U(len(hashes)), U(_BATCH)):
        count = U(0)
        for place in range(begin, min(begin + U(_BATCH), U(len(hashes)))):
            key = hashes[place]
            found[place] = -1
            likely[count] = place
            count += U(~bitmap[key >> U(12) & blocks] & _mark(key) == U(0))
        for one in range(count):
            place = likely[one]
            key = hashes[place]
            slot = key & mask
            while slots[slot] != 0:
                if slots[slot] == key:
                    found[place] = numbers[slot]
                    break
                slot = (slot + U(1)) & mask


@jit
def _find(
    hashes: Hashes,
    bitmap: Hashes,
    slots: Hashes,
    numbers: NDArray[np.int32],
    places: Numbers,
    found: NDArray[np.int32],
) -> int:
    """As _look does, but only what is found is written down."""
    mask, blocks, count = U(len(slots) - 1), U(len(bitmap) - 1), U(0)
    likely = np.empty(_BATCH + 1, np.uint64)
    for begin in range(U(0), U(len(hashes)), U(_BATCH)):
        held = U(0)
        for place in range(begin, min(begin + U(_BATCH), U(len(hashes)))):
            key = hashes[place]
            likely[held] = place
            held += U(~bitmap[key >> U(12) & blocks] & _mark(key) == U(0))
        for one in range(held):
            place = likely[one]
            key = hashes[place]
            slot = key & mask
            while slots[slot] != 0:
                if slots[slot] == key:
                    places[count], found[count] = place, numbers[slot]
                    count += U(1)
                    break
                slot = (slot + U(1)) & mask
    return int(count)
