"""Whether a text is new beside all earlier ones, as Self-Instruct and BELLE measure it.

Both have the face of `near.py`'s index: `add` in order, `find` the earlier text that is too like a new one. Words are
those of `likeness.py`, so that Chinese is compared by characters.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import log
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dialogue.likeness import words

K1, B, EPSILON = 1.5, 0.75, 0.25
"""Okapi's constants as gensim and rank_bm25 have them; a word in over half of the texts weighs EPSILON of the mean."""


class Index(Protocol):
    """Texts numbered as they were added."""

    def add(self, text: str) -> int:
        """The number that the text now has."""
        ...

    def extend(self, texts: Iterable[str]) -> None:
        """Add the texts in their order."""
        ...

    def find(self, text: str) -> tuple[int, float] | None:
        """The earlier text that the new one is most like, and how much; None where it is new."""
        ...


def rouge_l(one: Sequence[object], other: Sequence[object]) -> float:
    """ROUGE-L of two lists of words: F1 of their longest common subsequence (Lin 2004); 0 where one is empty."""
    total = len(one) + len(other)
    return 2 * common(one, other) / total if total else 0.0


def common(one: Sequence[object], other: Sequence[object]) -> int:
    """The length of the longest common subsequence, a whole row at a time in the bits of a number (Hyyrö 2004)."""
    places: dict[object, int] = {}
    for place, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << place
    row = full = (1 << len(one)) - 1
    for word in other:
        match = row & places.get(word, 0)
        row = ((row + match) | (row - match)) & full
    return len(one) - row.bit_count()


class RougeIndex:
    """Refuses a text whose ROUGE-L with an earlier one reaches the threshold (Self-Instruct: 0.7, arXiv 2212.10560).

    A common subsequence is no longer than the words of one text that occur in the other. That bound is counted for all
    earlier texts at once, and what it leaves is compared exactly.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._known: dict[str, int] = {}
        self._flat = array("I")
        self._starts = array("Q")

    def add(self, text: str) -> int:
        """The number that the text now has."""
        self._starts.append(len(self._flat))
        # A text without words takes a place of its own: an empty run would break the sums below.
        self._flat.extend(self._known.setdefault(word, len(self._known)) for word in words(text) or [""])
        return len(self._starts) - 1

    def extend(self, texts: Iterable[str]) -> None:
        """Add the texts in their order."""
        for text in texts:
            self.add(text)

    def find(self, text: str) -> tuple[int, float] | None:
        """The most similar earlier text, the first of several, where it reaches the threshold."""
        if not self._starts:
            return None
        # Words that nobody used before get numbers below zero: they match nothing, but count as length.
        new = [self._known.get(word, -1 - place) for place, word in enumerate(words(text))]
        best = (0.0, 0)
        for number in self._likely(new):
            best = max(best, (rouge_l(new, self._words(number)), -number))
        return (-best[1], best[0]) if best[0] >= self._most else None

    def _likely(self, new: Sequence[int]) -> Sequence[int]:
        starts = np.frombuffer(self._starts, np.uint64).astype(np.int64)
        held = np.zeros(len(self._known), np.uint32)
        held[[word for word in new if word >= 0]] = 1
        shared = np.add.reduceat(held[np.frombuffer(self._flat, np.uint32)], starts)
        sizes = np.diff(starts, append=len(self._flat))
        bound = 2 * np.minimum(shared, len(new)) >= self._most * (sizes + len(new)) - 1e-9
        found: list[int] = np.flatnonzero(bound).tolist()
        return found

    def _words(self, number: int) -> Sequence[int]:
        end = self._starts[number + 1] if number + 1 < len(self._starts) else len(self._flat)
        return self._flat[self._starts[number] : end].tolist()


class Bm25Index:
    """Refuses a text whose BM25 score for an earlier one exceeds the threshold (BELLE's Chinese seeds: 18).

    The new text is the query and the earlier ones are the collection, as it stands at that moment.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._holders: dict[str, tuple[array[int], array[int]]] = {}
        """Numbers of the texts that hold a word, and how often each does."""
        self._sizes = array("I")

    def add(self, text: str) -> int:
        """The number that the text now has."""
        found = words(text)
        for word, times in Counter(found).items():
            numbers, counts = self._holders.setdefault(word, (array("I"), array("I")))
            numbers.append(len(self._sizes))
            counts.append(times)
        self._sizes.append(len(found))
        return len(self._sizes) - 1

    def extend(self, texts: Iterable[str]) -> None:
        """Add the texts in their order."""
        for text in texts:
            self.add(text)

    def scores(self, text: str) -> NDArray[np.float64]:
        """The score of the text for each earlier one `(n,)`; a word that it holds twice counts twice."""
        sizes = np.frombuffer(self._sizes, np.uint32).astype(np.float64)
        found = np.zeros(len(sizes))
        shortening = K1 * (1 - B + B * sizes / max(sizes.mean(), 1e-9)) if len(sizes) else sizes
        floor = self._floor()
        for word, times in Counter(words(text)).items():
            if word in self._holders:
                numbers, counts = (np.frombuffer(column, np.uint32) for column in self._holders[word])
                weight = idf(len(sizes), len(numbers))
                weight = floor if weight < 0 else weight
                found[numbers] += times * weight * counts * (K1 + 1) / (counts + shortening[numbers])
        return found

    def find(self, text: str) -> tuple[int, float] | None:
        """The earlier text of the highest score, the first of several, where it exceeds the threshold."""
        found = self.scores(text)
        best = int(found.argmax()) if len(found) else 0
        return (best, float(found[best])) if len(found) and found[best] > self._most else None

    def _floor(self) -> float:
        """What a word weighs that stands in more than half of the texts: a share of the mean weight of all words."""
        held = Counter(len(numbers) for numbers, _ in self._holders.values())
        total = sum(idf(len(self._sizes), count) * times for count, times in held.items())
        return EPSILON * total / max(1, len(self._holders))


@lru_cache(maxsize=65_536)
def idf(texts: int, holders: int) -> float:
    """Okapi's weight of a word that so many of the texts hold; below zero for more than half of them."""
    return log(texts - holders + 0.5) - log(holders + 0.5)
