"""Near duplicates among short texts while they arrive: the most similar earlier one, by exact Jaccard similarity.

Opening lines are short: 15 words have 13 shingles, 52 bytes, while a MinHash signature of 64 rows, which would stand
for them, takes 256. So a text keeps its shingles themselves, up to 64; a longer one keeps those that hold the minima of
datasketch's 64 permutations (`likeness.py`): its signature, each minimum once. In place of LSH bands an inverted index
lies over what is kept, and it is asked for the RAREST hashes only, as many as a proof needs:

- A text of s shingles, s at most 64 * threshold (44 at 0.7), and whatever is alike to it, is kept whole. A partner
  shares at least ceil(threshold * s) of the shingles, so it holds one of any s + 1 less that. Recall is 1.
- Of longer texts the signatures agree in Binomial(64, J) rows. All with at least 64 t - 4 sqrt(64 t (1 - t)) rows, 30
  at t = 0.7, are found, and checked on the text read again. At J = 0.7 fewer agree once in 20,000: recall 0.99995.

LSH with exact checks finds 1 - (1 - J**4)**16 = 0.988 at J = 0.7 with 16 bands of 4 rows, 0.9998 with 21 of 3. But
texts that fill one template share most bands: thousands of candidates at J = 0.6, which 64 rows (+- 0.06) do not tell
from those at 0.7. Here the frame is what many hold, and the words filled in are what is asked for.
"""

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice, repeat
from math import ceil, floor, sqrt

import numpy as np

from dialogue.likeness import jaccard, ngrams, permuted
from dialogue.postings import Postings

_KEPT = 64
"""Hashes kept of a text at most; rows of a longer text's signature."""
_LOW = 0xFFFFFFFF
_COMPARED = 4096
"""Candidates compared in one search at most, the earliest of them: 2 ms where everything is alike."""
_FEW = 24
"""Candidates up to which plain Python compares faster than numpy, 2 us each against 60."""
_REREAD = 32
"""Long candidates read again in one search at most, those of the best estimates."""
_LONGEST = 0xFFFF
"""Where the count of shingles that is kept for an item ends."""
_BLOCK = 1024
"""Texts sketched at once: 2 MB."""
_ROUNDING = 1e-9


@dataclass(slots=True)
class _Sketch:
    """What the index sees of a text."""

    text: str
    size: int
    """Distinct shingles, counted up to `_LONGEST`."""
    total: int
    """Sum of all shingles, modulo 2**32: equal for equal sets."""
    kept: list[int]
    weights: list[int]
    """Rows of the signature that each kept hash holds; 1 each where shingles are counted instead."""


class NearIndex:
    """Texts numbered 0, 1, 2 ... as they were added; about 200 bytes for one of 15 words.

    `n` is the words of a shingle, `text_of(number)` reads an added text again (asked for long ones only).
    """

    def __init__(self, threshold: float, n: int, text_of: Callable[[int], str]) -> None:
        if not 0 < threshold <= 1:
            raise ValueError(f"threshold {threshold}: must be above 0 and at most 1")
        self._threshold = threshold
        self._n = n
        self._text_of = text_of
        self._whole = floor(_KEPT * threshold)
        """The most shingles at which every text as alike as the threshold is kept whole."""
        self._rows = max(1, floor(_KEPT * threshold - 4 * sqrt(_KEPT * threshold * (1 - threshold))))
        self._postings = Postings()
        self._sizes = array("H")
        self._last = self._sketch("")

    def __len__(self) -> int:
        return len(self._sizes)

    def add(self, text: str) -> int:
        """The number that the text now has."""
        sketch = self._sketch_of(text)
        self._postings.append([sketch.total, *sketch.kept])
        self._sizes.append(sketch.size)
        return len(self._sizes) - 1

    def extend(self, texts: Iterable[str]) -> None:
        """Add the texts in their order; two thirds of the cost of `add`, most of it hashing."""
        left = iter(texts)
        while sketches := [self._sketch(text) for text in islice(left, _BLOCK)]:
            keys = [key for sketch in sketches for key in (sketch.total, *sketch.kept)]
            self._postings.extend(keys, [len(sketch.kept) + 1 for sketch in sketches])
            self._sizes.extend(sketch.size for sketch in sketches)

    def find(self, text: str) -> tuple[int, float] | None:
        """The most similar text added so far and its exact similarity, or None where none reaches the threshold.

        Among equally similar ones it is the smallest number.
        """
        sketch = self._sketch_of(text)
        same = self._same(sketch)
        if same is not None:
            return same, 1.0
        best = max(((alike, -item) for alike, item in self._similar(sketch, _REREAD)), default=(0.0, 0))
        return (-best[1], best[0]) if best[0] >= self._threshold else None

    def alike(self, text: str) -> list[int]:
        """Texts added so far that reach the threshold; where one is the same, that one stands for all."""
        sketch = self._sketch_of(text)
        same = self._same(sketch)
        if same is not None:
            return [same]
        return [item for alike, item in self._similar(sketch, _REREAD) if alike >= self._threshold]

    def _similar(self, sketch: _Sketch, most: int) -> list[tuple[float, int]]:
        """The exact similarity of the likely items; of long ones that of the `most` likeliest."""
        items, need = self._candidates(sketch), self._need(sketch)
        weighed = zip(self._shared(sketch, items), items, strict=True)
        likely = [(weight, item) for weight, item in weighed if weight >= need]
        if sketch.size <= self._whole:
            return [(weight / (sketch.size + self._sizes[item] - weight), item) for weight, item in likely]
        likeliest = sorted(likely, key=lambda pair: (-pair[0], pair[1]))[:most]
        return [(jaccard(sketch.text, self._text_of(item), self._n), item) for _, item in likeliest]

    def _sketch_of(self, text: str) -> _Sketch:
        if text != self._last.text:
            self._last = self._sketch(text)
        return self._last

    def _sketch(self, text: str) -> _Sketch:
        kept = list(dict.fromkeys(ngrams(text, self._n)))
        size, total = len(kept), sum(kept) & _LOW
        weights = [1] * size
        if size > self._whole:
            minima = permuted(np.array(kept, np.uint32), _KEPT).argmin(axis=0)
            weights = np.bincount(minima, minlength=size).tolist()
        if size > _KEPT:
            kept = [key for key, weight in zip(kept, weights, strict=True) if weight]
            weights = [weight for weight in weights if weight]
        return _Sketch(text, min(size, _LONGEST), total, kept, weights)

    def _need(self, sketch: _Sketch) -> int:
        """The least weight that a partner shares."""
        return self._rows if sketch.size > self._whole else ceil(self._threshold * sketch.size - _ROUNDING)

    def _same(self, sketch: _Sketch) -> int | None:
        """The first item with just these shingles."""
        if not self._postings.held(sketch.total):
            return None
        kept = set(sketch.kept)
        for item in sorted(self._holders(sketch.total, sketch.size, sketch.size)):
            total, *others = self._postings.keys(item)
            if total == sketch.total and set(others) == kept and self._same_text(sketch, item):
                return item
        return None

    def _same_text(self, sketch: _Sketch, item: int) -> bool:
        return sketch.size <= _KEPT or jaccard(sketch.text, self._text_of(item), self._n) == 1.0

    def _holders(self, key: int, shortest: float, longest: float) -> list[int]:
        """Items under the hash whose shingles are neither too few nor too many."""
        sizes = self._sizes
        found = self._postings.common(key)
        if len(found):
            all_sizes = np.frombuffer(sizes, np.uint16)[found]
            found = found[(all_sizes >= shortest) & (all_sizes <= longest)][:_COMPARED]
        items: list[int] = found.tolist()
        items += [item for item in self._postings.chained(key) if shortest <= sizes[item] <= longest]
        return items

    def _candidates(self, sketch: _Sketch) -> list[int]:
        """Items of a fit length that hold one of the rarest hashes, ascending."""
        need, left = self._need(sketch), sum(sketch.weights)
        shortest = self._threshold * sketch.size - _ROUNDING
        found: set[int] = set()
        held = map(self._postings.held, sketch.kept)
        for count, key, weight in sorted(zip(held, sketch.kept, sketch.weights, strict=True)):
            if left < need or len(found) >= _COMPARED:
                break
            longest = self._longest(sketch, left)
            if count and longest >= shortest:
                found.update(self._holders(key, shortest, longest))
            left -= weight
        return sorted(found)[:_COMPARED]

    def _longest(self, sketch: _Sketch, left: int) -> float:
        """The most shingles of a partner that shares no hash rarer than the last `left` of them.

        Of x and y that share o, o / (x + y - o) >= t gives y <= o (1 + t) / t - x, and o is at most `left`.
        """
        if sketch.size > self._whole:
            return min(sketch.size / self._threshold + _ROUNDING, _LONGEST)
        return left * (1 + self._threshold) / self._threshold - sketch.size + _ROUNDING

    def _shared(self, sketch: _Sketch, items: list[int]) -> list[int]:
        """The weight of the hashes that each item shares with the sketch; an item's first hash is its total."""
        if len(items) <= _FEW:
            weight_of = dict(zip(sketch.kept, sketch.weights, strict=True)).get
            return [sum(map(weight_of, self._postings.keys(item)[1:], repeat(0))) for item in items]
        order = np.argsort(np.array(sketch.kept, np.uint32))
        kept, weights = np.array(sketch.kept, np.uint32)[order], np.array(sketch.weights)[order]
        keys, begins = self._postings.keys_of(np.array(items))
        places = np.minimum(np.searchsorted(kept, keys), len(kept) - 1)
        hits = np.where(kept[places] == keys, weights[places], 0)
        hits[begins] = 0
        shared: list[int] = np.add.reduceat(hits, begins).tolist()
        return shared
