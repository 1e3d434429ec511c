"""The words of texts as 64-bit hashes: exactly those of `dialogue.likeness.words`; compiled.

Most texts are ASCII, where a word is what lies between two bytes of another kind, so one pass of a few instructions a
byte cuts them; the others are first brought to words with spaces between by `filters.kernels.tokens`.
"""

from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.kernels.jit import jit
from filters.kernels.tokens import tokens

Numbers = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

U, B = np.uint64, np.uint8

_P1 = U(0x9E3779B185EBCA87)
_P2 = U(0xC2B2AE3D27D4EB4F)
_PAD = np.full(8, 0x20, np.uint8)
"""Eight bytes are read at once, from the first byte of each word on."""


class Words(NamedTuple):
    """The words of some texts as hashes, in order."""

    hashes: Hashes
    """(words,) 64 bits of each word."""
    terms: Hashes
    """(words,) what counts as a word when words are weighed: itself, or two neighbours where one character is a word;
    0 where the word only ends such a pair."""
    first: Numbers
    """(texts + 1,) the words of text i are first[i]:first[i + 1]."""


def hashed(texts: Sequence[str]) -> Words:
    """The words of the texts as hashes. Takes about ten bytes for a byte of text."""
    plain = np.fromiter(map(str.isascii, texts), np.bool_, len(texts))
    source, begins, ends = _joined(texts, plain)
    _lower(source)
    places, first = np.empty(len(source) + 2, np.int64), np.zeros(len(texts) + 1, np.int64)
    _cut(source, begins, ends, places, first)
    hashes = np.empty(first[-1], np.uint64)
    _hash(source, places, hashes)
    terms = hashes
    if not plain.all():
        terms = hashes.copy()
        _pair(source, places, first, ~plain, hashes, terms)
    return Words(hashes, terms, first)


def _joined(texts: Sequence[str], plain: Flags) -> tuple[Bytes, Numbers, Numbers]:
    """All texts as bytes, those in ASCII first, and where each begins and ends."""
    flags = plain.tolist()
    ascii = " ".join(compress(texts, flags)).encode()
    sizes = np.fromiter(map(len, compress(texts, flags)), np.int64)
    begins, ends = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.int64)
    ends[plain] = np.cumsum(sizes + 1) - 1
    begins[plain] = ends[plain] - sizes
    pieces = [np.frombuffer(ascii, np.uint8), _PAD]
    if not plain.all():
        others = tokens([text for text, flag in zip(texts, flags, strict=True) if not flag])
        limits = np.append(others.starts, len(others.data))[others.first] + len(ascii)
        begins[~plain], ends[~plain] = limits[:-1], limits[1:]
        pieces.insert(1, others.data)
    return np.concatenate(pieces), begins, ends


@jit
def _lower(data: Bytes) -> None:
    """Make capitals small and what belongs to no word a space, in place; LLVM does 32 bytes at once."""
    for at in range(len(data)):
        byte = data[at]
        capital = B(byte - B(0x41)) < B(26)
        letter = B(B(byte | B(0x20)) - B(0x61)) < B(26)
        digit = B(byte - B(0x30)) < B(10)
        lower = B(byte | B(B(capital) << B(5)))
        data[at] = lower if letter | digit | (byte == B(0x5F)) | (byte >= B(0x80)) else B(0x20)


@jit
def _cut(data: Bytes, begins: Numbers, ends: Numbers, places: Numbers, first: Numbers) -> None:
    """Fill `places` with the first byte of each word and one past its last by turns.

    No branch: whether a word ends here cannot be foretold, and a wrong guess costs 15 cycles.
    """
    count = U(0)  # unsigned, or each access would first ask whether the index counts from the end
    for text in range(len(begins)):
        outside = U(1)
        for at in range(U(begins[text]), U(ends[text])):
            gap = U(data[at] == 0x20)
            places[count] = at
            count += gap ^ outside
            outside = gap
        places[count] = ends[text]
        count += U(1) - outside
        first[text + 1] = count >> U(1)


@jit
def _hash(data: Bytes, places: Numbers, hashes: Hashes) -> None:
    """A multiplicative hash over eight bytes at a time: most words are one step."""
    for word in range(U(0), U(len(hashes))):
        at = U(places[U(2) * word])
        left = U(places[U(2) * word + U(1)]) - at
        value = U(0)
        while True:
            chunk = U(0)
            for byte in range(8):
                chunk |= U(data[at + U(byte)]) << U(8 * byte)
            if left <= U(8):
                break
            value = (value ^ chunk) * _P1
            value ^= value >> U(32)
            at += U(8)
            left -= U(8)
        chunk &= ~U(0) >> (U(64) - U(8) * left)
        value = (value ^ chunk) * _P1
        value = (value ^ value >> U(32)) * _P2
        hashes[word] = value ^ value >> U(29)


@jit
def _pair(data: Bytes, places: Numbers, first: Numbers, asked: Flags, hashes: Hashes, terms: Hashes) -> None:
    """Words of one character of three or four bytes, which most of Chinese is, are taken by twos."""
    for text in range(len(first) - 1):
        before = False
        for word in range(first[text], first[text + 1] if asked[text] else first[text]):
            size, lead = places[2 * word + 1] - places[2 * word], data[places[2 * word]]
            single = (size == 3 and lead >= 0xE0) or (size == 4 and lead >= 0xF0)
            if before:
                pair = (hashes[word - 1] * _P2 ^ hashes[word]) * _P1
                terms[word - 1] = pair ^ pair >> U(31) if single else terms[word - 1]
                if single:
                    terms[word] = U(0)
            before = single
