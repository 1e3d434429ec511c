"""How varied things are, told at one number of them: measures of variety fall with the size of what is measured.

The expectation over all draws of so many without replacement has a closed form (rarefaction: Hurlbert 1971), so no
draw is made and none can be lucky.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from evaluator.corpus.figure import Figure, Sums

BLOCK = 10_000
"""Words over which distinct n-grams are counted."""
Ids = NDArray[np.uint32]


@lru_cache(maxsize=100_000)
def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def distinct(things: Iterable[Hashable], n: int) -> float | None:
    """The share of different ones among n drawn; None where there are fewer than n."""
    times = Counter(Counter(things).values())
    total = sum(count * kinds for count, kinds in times.items())
    if total < n or n < 1:
        return None
    every = _log_choose(total, n)
    missing = {count: math.exp(_log_choose(total - count, n) - every) for count in times if total - count >= n}
    return sum(kinds * (1 - missing.get(count, 0.0)) for count, kinds in times.items()) / n


def entropy(things: Iterable[Hashable], n: int) -> float | None:
    """The mean entropy, in bits, of n drawn; None where there are fewer than n."""
    times = Counter(Counter(things).values())
    total = sum(count * kinds for count, kinds in times.items())
    if total < n or n < 1:
        return None
    return sum(kinds * _surprise(count, total, n) for count, kinds in times.items())


@lru_cache(maxsize=100_000)
def _surprise(count: int, total: int, n: int) -> float:
    """What a thing that stands `count` times among `total` adds to the entropy of n drawn, on average."""
    every = _log_choose(total, n)
    added = 0.0
    for drawn in range(max(1, n - total + count), min(count, n) + 1):
        chance = math.exp(_log_choose(count, drawn) + _log_choose(total - count, n - drawn) - every)
        added -= chance * drawn / n * math.log2(drawn / n)
    return added


def top(things: Iterable[Hashable]) -> float | None:
    """The share of the commonest; None for nothing."""
    counts = Counter(things)
    return max(counts.values()) / counts.total() if counts else None


def evenness(things: Iterable[Hashable]) -> float | None:
    """exp(H) by the number of kinds: 1.0 where all are equally frequent. None for fewer than two kinds."""
    counts = Counter(things)
    if len(counts) < 2:
        return None
    return math.exp(_nats(counts)) / len(counts)


def flatness(things: Iterable[Hashable]) -> float | None:
    """The entropy by that of equal shares: 1.0 where all are equally frequent. None for fewer than two kinds."""
    counts = Counter(things)
    return _nats(counts) / math.log(len(counts)) if len(counts) > 1 else None


def _nats(counts: Counter[Hashable]) -> float:
    total = counts.total()
    return -math.fsum(count / total * math.log(count / total) for count in counts.values())


def distinct_ngrams(texts: Iterable[Ids], n: int) -> Figure:
    """distinct-n: different n-grams by all of them, in each 10,000 words running, averaged over such blocks.

    No n-gram reaches over the end of a text. With fewer words than a block holds it is said of those there are.
    """
    shares, words = Sums(), 0
    for block in _blocks(texts):
        size = sum(map(len, block))
        if size < BLOCK and words:
            break
        grams = np.concatenate([_grams(text, n) for text in block])
        words += size
        if len(grams):
            shares.add(len(np.unique(grams)) / len(grams), 1)
    why = None if words >= BLOCK else f"of {words:,} words; the figure is meant of {BLOCK:,}"
    return replace(shares.figure("words"), n=words, why=why)


def _blocks(texts: Iterable[Ids]) -> Iterator[Sequence[Ids]]:
    """The texts in blocks of just so many words, cut where need be; the last one may be short."""
    block: list[Ids] = []
    left = BLOCK
    for text in texts:
        rest = text
        while len(rest) >= left:
            yield [*block, rest[:left]]
            block, rest, left = [], rest[left:], BLOCK
        if len(rest):
            block.append(rest)
            left -= len(rest)
    if block:
        yield block


def _grams(ids: Ids, n: int) -> NDArray[np.uint64]:
    """Each n-gram as one number; n is 1 or 2."""
    wide = ids.astype(np.uint64)
    return wide if n == 1 else (wide[:-1] << np.uint64(32)) | wide[1:]
