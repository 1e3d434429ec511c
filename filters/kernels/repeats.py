"""How much of a text lies in word n-grams that stand in it more than once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.kernels.grams import word_hashes
from filters.kernels.jit import jit
from filters.kernels.tokens import tokens

LONGEST = 10
U = np.uint64
_FACTOR = U(0x9E3779B97F4A7C15)


class Repeats(NamedTuple):
    """For each text, and n-grams of n = 0 to 10 words; columns 0 and 1 hold nothing."""

    top: NDArray[np.float64]
    """(texts, 11) the most frequent n-gram's share of the words' characters, 1.0 at most."""
    times: NDArray[np.int64]
    """(texts, 11) how often it stands there."""
    top_at: NDArray[np.int64]
    """(texts, 11) the word at which it first begins."""
    again: NDArray[np.float64]
    """(texts, 11) the share of the words' characters in n-grams that stand further up, each character counted once."""
    again_at: NDArray[np.int64]
    """(texts, 11) the word at which the first of them begins; -1 where there is none."""
    words: NDArray[np.int64]
    """(texts,) the number of words, which are those of dialogue.likeness.words."""


def repeats(texts: Sequence[str]) -> Repeats:
    """The texts' repeated n-grams; two are the same where their 64-bit hashes are."""
    found = tokens(texts)
    floats = np.zeros((2, len(texts), LONGEST + 1))
    places = np.zeros((3, len(texts), LONGEST + 1), np.int64)
    places[2] = -1
    counts = np.diff(found.first)
    size = 1 << max(4, int(counts.max(initial=1) * 2 - 1).bit_length())
    keys, slots = np.empty(size, np.uint64), np.empty((2, size), np.int32)
    _count(word_hashes(found), found.ends - found.starts, found.first, keys, slots, floats, places)
    return Repeats(floats[0], places[0], places[1], floats[1], places[2], counts)


@jit
def _count(
    hashes: NDArray[np.uint64],
    lengths: NDArray[np.int64],
    first: NDArray[np.int64],
    keys: NDArray[np.uint64],
    slots: NDArray[np.int32],
    shares: NDArray[np.float64],
    places: NDArray[np.int64],
) -> None:
    for text in range(len(first) - 1):
        begin, words = first[text], first[text + 1] - first[text]
        rolled = hashes[begin : begin + words].copy()
        total = lengths[begin : begin + words].sum()
        size = 16
        while size < 2 * words:
            size *= 2
        mask = U(size - 1)
        repeated = True
        for n in range(2, min(LONGEST, words) + 1):
            if not repeated:  # an n-gram that stands there twice begins with a shorter one that does
                break
            repeated = False
            slots[1, :size] = 0  # how often the n-gram of the slot was seen; slots[0] is where first
            best, covered, end = 0, 0, 0
            for place in range(words - n + 1):
                rolled[place] = rolled[place] * _FACTOR + hashes[begin + place + n - 1]
                key = rolled[place]
                slot = np.int64((key ^ key >> U(32)) & mask)
                while slots[1, slot] and keys[slot] != key:
                    slot = (slot + 1) & np.int64(mask)
                if not slots[1, slot]:
                    keys[slot] = key
                    slots[0, slot] = place
                else:
                    if not repeated:
                        places[2, text, n] = place
                    repeated = True
                    for word in range(max(place, end), place + n):
                        covered += lengths[begin + word]
                    end = place + n
                slots[1, slot] += 1
                seen = slots[1, slot]
                if seen > best or (seen == best and slots[0, slot] < places[1, text, n]):
                    best = seen
                    places[1, text, n] = slots[0, slot]
            top = places[1, text, n]
            places[0, text, n] = best
            shares[0, text, n] = min(1.0, best * lengths[begin + top : begin + top + n].sum() / total)
            shares[1, text, n] = covered / total
