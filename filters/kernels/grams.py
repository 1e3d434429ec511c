"""Hashes of n words in a row, as `dialogue.likeness.ngrams` makes them, and hashes of single words.

XXH64 follows its specification (github.com/Cyan4973/xxHash, doc/xxhash_spec.md) with seed 0.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.kernels.jit import inlined, jit
from filters.kernels.tokens import Tokens

U = np.uint64

_P1 = U(0x9E3779B185EBCA87)
_P2 = U(0xC2B2AE3D27D4EB4F)
_P3 = U(0x165667B19E3779F9)
_P4 = U(0x85EBCA77C2B2AE63)
_P5 = U(0x27D4EB2F165667C5)

_LENGTHS, _QUEUE = 64, 32
"""Lengths in bytes that have a queue of their own, and how many n-grams one holds."""


class Grams(NamedTuple):
    """n-gram hashes of some texts, in order, repeats included."""

    hashes: NDArray[np.uint32]
    first: NDArray[np.int64]
    """(texts + 1,) those of text i are hashes[first[i]:first[i + 1]]."""


def grams(tokens: Tokens, n: int) -> Grams:
    """The low 32 bits of XXH64 of every n words joined by spaces; a text of fewer words has one n-gram, all of it."""
    counts = np.diff(tokens.first)
    first = np.zeros(len(tokens.first), np.int64)
    np.cumsum(np.where(counts >= n, counts - (n - 1), counts > 0), out=first[1:])
    hashes = np.empty(first[-1], np.uint32)
    _hash(tokens, tokens.first, first, hashes)
    return Grams(hashes, first)


def word_hashes(tokens: Tokens) -> NDArray[np.uint64]:
    """(words,) XXH64 of each word."""
    each = np.arange(len(tokens.starts) + 1)
    hashes = np.empty(len(tokens.starts), np.uint64)
    _hash(tokens, each, each, hashes)
    return hashes


def _hash(
    tokens: Tokens,
    words: NDArray[np.int64],
    first: NDArray[np.int64],
    hashes: NDArray[np.uint32] | NDArray[np.uint64],
) -> None:
    waiting, places = np.empty((2, _LENGTHS + 1, _QUEUE), np.int64)
    held = np.zeros(_LENGTHS + 1, np.uint64)
    _hash_grams(tokens.data, tokens.starts, tokens.ends, words, first, waiting, places, held, hashes)


@inlined
def _word64(data: NDArray[np.uint8], at: U) -> U:
    """Eight bytes, the lowest first; LLVM makes one load of it."""
    value = U(0)
    for byte in range(8):
        value |= U(data[at + U(byte)]) << U(8 * byte)
    return value


@inlined
def _word32(data: NDArray[np.uint8], at: U) -> U:
    value = U(0)
    for byte in range(4):
        value |= U(data[at + U(byte)]) << U(8 * byte)
    return value


@inlined
def _turned(value: U, bits: U) -> U:
    return value << bits | value >> U(64) - bits


@inlined
def _round(lane: U, value: U) -> U:
    return _turned(lane + value * _P2, U(31)) * _P1


@inlined
def _merged(value: U, lane: U) -> U:
    return (value ^ _round(U(0), lane)) * _P1 + _P4


@inlined
def _mixed(value: U) -> U:
    value = (value ^ value >> U(33)) * _P2
    value = (value ^ value >> U(29)) * _P3
    return value ^ value >> U(32)


@inlined
def _xxh64(data: NDArray[np.uint8], at: U, length: U) -> U:
    value, end = _P5, at + length
    if length >= U(32):
        one, two, three, four = _P1 + _P2, _P2, U(0), U(0) - _P1
        while at + U(32) <= end:
            one = _round(one, _word64(data, at))
            two = _round(two, _word64(data, at + U(8)))
            three = _round(three, _word64(data, at + U(16)))
            four = _round(four, _word64(data, at + U(24)))
            at += U(32)
        value = _turned(one, U(1)) + _turned(two, U(7)) + _turned(three, U(12)) + _turned(four, U(18))
        value = _merged(_merged(_merged(_merged(value, one), two), three), four)
    value += length
    while at + U(8) <= end:
        value = _turned(value ^ _round(U(0), _word64(data, at)), U(27)) * _P1 + _P4
        at += U(8)
    if at + U(4) <= end:
        value = _turned(value ^ _word32(data, at) * _P1, U(23)) * _P2 + _P3
        at += U(4)
    while at < end:
        value = _turned(value ^ U(data[at]) * _P5, U(11)) * _P1
        at += U(1)
    return _mixed(value)


@jit
def _hash_alike(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    places: NDArray[np.int64],
    held: U,
    length: U,
    hashes: NDArray[np.uint32] | NDArray[np.uint64],
) -> None:
    """Hash the first `held` of a queue's n-grams, which are all of one length."""
    for at in range(held):
        hashes[U(places[at])] = _xxh64(data, U(starts[at]), length)


@jit
def _hash_grams(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    words: NDArray[np.int64],
    first: NDArray[np.int64],
    waiting: NDArray[np.int64],
    places: NDArray[np.int64],
    held: NDArray[np.uint64],
    hashes: NDArray[np.uint32] | NDArray[np.uint64],
) -> None:
    """Fill `hashes`: text i has words[i]:words[i + 1] and gets first[i]:first[i + 1], all n-grams of one n.

    N-grams queue up by length, so that those hashed in a row take the same branches: a fifth less time.
    """
    for text in range(len(words) - 1):
        number = first[text + 1] - first[text]
        more = words[text + 1] - words[text] - number  # words of an n-gram beyond its first
        for place in range(number):
            word = U(words[text] + place)
            length = U(ends[word + U(more)] - starts[word])
            queue = min(length, U(_LENGTHS))
            last = held[queue]
            waiting[queue, last] = starts[word]
            places[queue, last] = first[text] + place
            last += U(1)
            if last == _QUEUE or queue == _LENGTHS:  # the last queue holds one, of any length
                _hash_alike(data, waiting[queue], places[queue], last, length, hashes)
                last = U(0)
            held[queue] = last
    for rest in range(_LENGTHS):
        _hash_alike(data, waiting[rest], places[rest], held[rest], U(rest), hashes)
