"""How varied the beginnings of the user's turns are, openers and follow-ups apart."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import compress

import numpy as np

from evaluator.corpus import variety
from evaluator.corpus.figure import Figure
from evaluator.corpus.sample import Sample, fewer, share

STARTS, FIRST_WORDS = 1000, 500
"""Beginnings at which variety is told."""
Things = Sequence[tuple[Hashable, ...]]
"""Those of each dialogue."""
Measure = Callable[[Sequence[Hashable]], float | None]
At = Callable[[Sequence[Hashable], int], float | None]
LEFT = 0.9
"""Of all things, so many are there whichever of the jackknife's twenty groups is left out."""


def openers_distinct(sample: Sample) -> Figure:
    """The share of different first three words among 1,000 openers."""
    return _at(sample, _openers(sample), STARTS, variety.distinct, "share")


def follow_ups_distinct(sample: Sample) -> Figure:
    """The same of follow-ups."""
    return _at(sample, _follow_ups(sample), STARTS, variety.distinct, "share")


def first_word_entropy(sample: Sample) -> Figure:
    """The entropy of the first words of 500 follow-ups."""
    return _at(sample, _first_words(sample), FIRST_WORDS, variety.entropy, "bits")


def openers_top(sample: Sample) -> Figure:
    """The share of the commonest first three words of openers."""
    return varied(sample, _openers(sample), variety.top, "%", 100)


def follow_ups_top(sample: Sample) -> Figure:
    """The same of follow-ups."""
    return varied(sample, _follow_ups(sample), variety.top, "%", 100)


def one_first_word(sample: Sample) -> Figure:
    """Dialogues of two follow-ups and more that all begin with one word."""
    firsts = _first_words(sample)
    several = np.array([len(own) > 1 for own in firsts], np.float64)
    same = np.array([len(own) > 1 and len(set(own)) == 1 for own in firsts], np.float64)
    return share(sample, same, several, absent="no dialogue of two follow-ups")


def varied(sample: Sample, things: Things, measure: Measure, unit: str, times: float = 1) -> Figure:
    """A measure of variety over the things of each dialogue, with the jackknife's interval."""
    value = measure(_all(things))
    n = sum(map(len, things))
    if value is None:
        return Figure(None, n, unit, why=f"n = {n}")
    ends = sample.draws.jackknife(value, lambda there: measure(_all(compress(things, there))))
    low, high = (None if end is None else times * end for end in ends)
    return Figure(times * value, n, unit, low, high, why=fewer(sum(map(bool, things))))


def _at(sample: Sample, things: Things, n: int, measure: At, unit: str) -> Figure:
    """A measure of variety at n things; of all of them, with a word of warning, where there are fewer."""
    total = sum(map(len, things))
    if not total:
        return Figure(None, 0, unit, why="there is none")
    if total < n:
        return Figure(measure(_all(things), total), total, unit, why=f"n = {total:,}; the bound is for {n:,}")
    value = measure(_all(things), n)
    assert value is not None
    # what is left without a group may be fewer than n: how sure the figure is hardly depends on that
    left = min(n, int(LEFT * total))
    ends = sample.draws.jackknife(value, lambda there: measure(_all(compress(things, there)), left))
    return Figure(value, total, unit, *ends)


def _all(things: Iterable[tuple[Hashable, ...]]) -> list[Hashable]:
    return [thing for own in things for thing in own]


def _openers(sample: Sample) -> Things:
    return [tuple(start for start in one.starts[:1] if start) for one in sample.seen]


def _follow_ups(sample: Sample) -> Things:
    return [tuple(start for start in one.starts[1:] if start) for one in sample.seen]


def _first_words(sample: Sample) -> Things:
    return [tuple(start[0] for start in one.starts[1:] if start) for one in sample.seen]
