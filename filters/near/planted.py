"""Copies planted into the run, of exactly known similarity, to count how many of such are found.

A copy is made of n-gram hashes: to change a word is to change the n hashes that hold it, to change a run of words is to
change a run of hashes. Half of the copies have words changed here and there, half one block. They are made of documents
chosen by a hash of their content, take part in everything from the signature on, come last everywhere, and what they
meet is taken out before anything is decided.
"""

from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialogue.chance import rng
from filters.kernels.grams import Grams
from filters.near.documents import Documents, Numbers

LEVELS = 6
"""The similarities aimed at lie in so many equal steps from the threshold to 1."""


class Planted(NamedTuple):
    """Copies, their originals, and how alike the two are."""

    grams: Grams
    originals: Numbers
    jaccard: NDArray[np.float64]


def planted(
    documents: Documents, numbers: Numbers, sets: NDArray[np.uint64], threshold: float, n: int, count: int
) -> Planted:
    """At most `count` copies, one of each of that many of these documents, whose `sets` are given.

    A text must be long enough that a changed hash leaves it as alike as the threshold: 6 n-grams at 0.7.
    """
    long_enough = documents.sizes[numbers] * (1 - threshold) >= 1 + threshold
    numbers, sets = numbers[long_enough], sets[long_enough]
    mixed = (sets ^ sets >> np.uint64(29)) * np.uint64(0xBF58476D1CE4E5B9)  # sets themselves order the documents
    chosen = np.lexsort((sets, mixed))[:count]
    sources = documents.grams(np.sort(numbers[chosen]))
    places = np.argsort(np.argsort(numbers[chosen]))
    made: list[tuple[NDArray[np.uint32], int, float]] = []
    for turn, (number, place) in enumerate(zip(numbers[chosen].tolist(), places.tolist(), strict=True)):
        source = sources.hashes[sources.first[place] : sources.first[place + 1]]
        chance = rng("planted", sets[chosen[turn]])
        level = turn % LEVELS + chance.random()
        copy = _copy(source, threshold + (1 - threshold) * level / LEVELS, n, turn // LEVELS % 2 == 1, chance)
        jaccard = _jaccard(source, copy)
        if not threshold <= jaccard < 1:
            copy = _changed(source, np.array([len(source) - 1]), chance)
            jaccard = _jaccard(source, copy)
        if threshold <= jaccard < 1:
            made.append((copy, number, jaccard))
    first = np.cumsum([0, *(len(copy) for copy, _, _ in made)], dtype=np.int64)
    hashes = np.concatenate([np.empty(0, np.uint32), *(copy for copy, _, _ in made)])
    originals, jaccards = np.array([one[1] for one in made], np.int64), np.array([one[2] for one in made], np.float64)
    return Planted(Grams(hashes, first), originals, jaccards)


def _copy(source: NDArray[np.uint32], jaccard: float, n: int, block: bool, chance: Random) -> NDArray[np.uint32]:
    """About as alike: of m hashes x are changed where (m - x) / (m + x) = J. Few are changed at the end of the text."""
    most = len(source)
    change = max(1, round(most * (1 - jaccard) / (1 + jaccard)))
    if change < n:
        return _changed(source, np.arange(most - change, most), chance)
    if block:
        start = chance.randrange(most - change + 1)
        return _changed(source, np.arange(start, start + change), chance)
    words = chance.sample(range(n - 1, most), min(max(1, round(change / n)), most - n + 1))
    held = np.zeros(most, np.bool_)
    held[np.subtract.outer(words, np.arange(n))] = True
    return _changed(source, np.flatnonzero(held), chance)


def _changed(source: NDArray[np.uint32], places: Numbers, chance: Random) -> NDArray[np.uint32]:
    copy = source.copy()
    copy[places] = np.frombuffer(chance.randbytes(4 * len(places)), np.uint32)
    return copy


def _jaccard(a: NDArray[np.uint32], b: NDArray[np.uint32]) -> float:
    one, two = _distinct(a), _distinct(b)
    union = len(_distinct(np.concatenate([one, two])))
    return (len(one) + len(two) - union) / union


def _distinct(hashes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    ordered = np.sort(hashes)  # np.unique hashes, which takes ten times as long
    first: NDArray[np.bool_] = np.diff(ordered, prepend=~ordered[:1]) != 0
    return ordered[first]


def levels(jaccard: NDArray[np.float64], found: NDArray[np.bool_], threshold: float) -> list[list[float]]:
    """For each step of similarity its lower end, how many were planted there, and how many of these found."""
    step = (1 - threshold) / LEVELS
    steps = np.minimum((jaccard - threshold) / step, LEVELS - 1).astype(np.int64) if step else np.zeros(0, int)
    counts = np.bincount(steps, minlength=LEVELS), np.bincount(steps[found], minlength=LEVELS)
    pairs = zip(*(count.tolist() for count in counts), strict=True)
    return [[round(threshold + place * step, 4), planted, hit] for place, (planted, hit) in enumerate(pairs) if planted]
