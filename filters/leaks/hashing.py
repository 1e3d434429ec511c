"""Words and n-grams as 64-bit hashes, and tables in which they are looked up; compiled."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.kernels.jit import jit
from filters.kernels.tokens import Tokens

Numbers = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

_P1 = np.uint64(0x9E3779B185EBCA87)
_P2 = np.uint64(0xC2B2AE3D27D4EB4F)
_BATCH = 512


class Words(NamedTuple):
    """The words of some texts as hashes, in order."""

    hashes: Hashes
    """(words,) 64 bits of each word."""
    terms: Hashes
    """(words,) what counts as a word when words are weighed: itself, or two neighbours where one character is a word;
    0 where the word only ends such a pair."""
    first: Numbers
    """(texts + 1,) the words of text i are first[i]:first[i + 1]."""


class Table(NamedTuple):
    """From 64-bit hashes to small numbers, by open addressing, with a bitmap in front that fits a core's cache."""

    bitmap: NDArray[np.uint8]
    keys: Hashes
    """(a power of two,) 0 is an empty slot."""
    values: NDArray[np.int32]


def hashed(tokens: Tokens) -> Words:
    """The words of the texts as hashes."""
    hashes = np.empty(len(tokens.starts), np.uint64)
    terms = np.empty(len(tokens.starts), np.uint64)
    _hash(tokens.data, tokens.starts, tokens.ends, hashes)
    _terms(tokens.data, tokens.starts, tokens.ends, tokens.first, hashes, terms)
    return Words(hashes, terms, tokens.first)


def rolled(words: Words, n: int) -> Hashes:
    """(words,) a hash of the n words from each word on; 0 where the text has fewer left."""
    hashes = np.zeros(len(words.hashes), np.uint64)
    _roll(words.hashes, words.first, n, hashes)
    return hashes


def table(keys: Hashes, values: NDArray[np.int32]) -> Table:
    """The table of these keys, which are distinct and not 0."""
    slots = 1 << max(4, int(2 * len(keys)).bit_length())
    bits = 1 << min(27, max(10, int(64 * len(keys)).bit_length()))
    made = Table(np.zeros(bits >> 3, np.uint8), np.zeros(slots, np.uint64), np.zeros(slots, np.int32))
    _fill(keys, values, *made)
    return made


def lookup(hashes: Hashes, table: Table) -> NDArray[np.int32]:
    """The number of each hash, -1 where it is not in the table; 0, which stands for no hash, never is."""
    found = np.empty(len(hashes), np.int32)
    _look(hashes, *table, found)
    return found


@jit
def _hash(data: NDArray[np.uint8], starts: Numbers, ends: Numbers, hashes: Hashes) -> None:
    """A multiplicative hash over eight bytes at a time: most words are one step."""
    size = np.uint64(len(data))
    for word in range(len(starts)):
        at, left = np.uint64(starts[word]), ends[word] - starts[word]
        value = np.uint64(left)
        while left > 0:
            chunk = np.uint64(0)
            if at + np.uint64(8) <= size:
                for byte in range(8):
                    chunk |= np.uint64(data[at + np.uint64(byte)]) << np.uint64(8 * byte)
                if left < 8:
                    chunk &= (np.uint64(1) << np.uint64(8 * left)) - np.uint64(1)
            else:
                for byte in range(min(left, 8)):
                    chunk |= np.uint64(data[at + np.uint64(byte)]) << np.uint64(8 * byte)
            value = (value ^ chunk) * _P1
            value ^= value >> np.uint64(32)
            at += np.uint64(8)
            left -= 8
        value *= _P2
        hashes[word] = value ^ value >> np.uint64(29)


@jit
def _terms(
    data: NDArray[np.uint8], starts: Numbers, ends: Numbers, first: Numbers, hashes: Hashes, terms: Hashes
) -> None:
    """Words of one character of three or four bytes, which most of Chinese is, are taken by twos."""
    for text in range(len(first) - 1):
        before = False
        for word in range(first[text], first[text + 1]):
            size, lead = ends[word] - starts[word], data[starts[word]]
            single = (size == 3 and lead >= 0xE0) or (size == 4 and lead >= 0xF0)
            terms[word] = hashes[word]
            if before:
                pair = (hashes[word - 1] * _P2 ^ hashes[word]) * _P1
                terms[word - 1] = pair ^ pair >> np.uint64(31) if single else terms[word - 1]
                if single:
                    terms[word] = np.uint64(0)
            before = single


@jit
def _roll(hashes: Hashes, first: Numbers, n: int, rolled: Hashes) -> None:
    highest = np.uint64(1)
    for _ in range(n):
        highest *= _P1
    for text in range(len(first) - 1):
        start, value = first[text], np.uint64(0)
        for word in range(start, first[text + 1]):
            value = value * _P1 + hashes[word]
            if word - start >= n:
                value -= hashes[word - n] * highest
            if word - start >= n - 1:
                mixed = (value ^ value >> np.uint64(32)) * _P2
                rolled[word - n + 1] = mixed ^ mixed >> np.uint64(29)


@jit
def _fill(
    keys: Hashes, values: NDArray[np.int32], bitmap: NDArray[np.uint8], slots: Hashes, numbers: NDArray[np.int32]
) -> None:
    mask, bits = np.uint64(len(slots) - 1), np.uint64(8 * len(bitmap) - 1)
    for place in range(len(keys)):
        key = keys[place]
        bit = key >> np.uint64(20) & bits
        bitmap[bit >> np.uint64(3)] |= np.uint8(1) << np.uint8(bit & np.uint64(7))
        slot = key & mask
        while slots[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = key
        numbers[slot] = values[place]


@jit
def _look(
    hashes: Hashes, bitmap: NDArray[np.uint8], slots: Hashes, numbers: NDArray[np.int32], found: NDArray[np.int32]
) -> None:
    """Without a branch, which the bitmap lets most hashes do without, several looks are under way at once."""
    mask, bits = np.uint64(len(slots) - 1), np.uint64(8 * len(bitmap) - 1)
    likely = np.empty(_BATCH + 1, np.int64)
    for begin in range(0, len(hashes), _BATCH):
        count = 0
        for place in range(begin, min(begin + _BATCH, len(hashes))):
            found[place] = -1
            likely[count] = place
            bit = hashes[place] >> np.uint64(20) & bits
            count += bitmap[bit >> np.uint64(3)] >> np.uint8(bit & np.uint64(7)) & np.uint8(1)
        for place in likely[:count]:
            key = hashes[place]
            slot = key & mask
            while slots[slot] != 0:
                if slots[slot] == key:
                    found[place] = numbers[slot]
                    break
                slot = (slot + np.uint64(1)) & mask
