"""Intervals over dialogues: the bootstrap, and for measures of variety the jackknife.

A bootstrap sample holds dialogues twice. Where likeness is what is measured (distinct beginnings, near duplicates) that
looks like repetition, so there the groups of a jackknife are left out in turn, and nothing is ever counted twice.
"""

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dialogue.chance import hash64
from evaluator.corpus.figure import t_interval

SAMPLES = 1000
GROUPS = 20
Floats = NDArray[np.float64]
Interval = tuple[float | None, float | None]
_ROWS = 100
"""Samples that are held as floats at once."""


class Dialogues:
    """`n` dialogues, to be drawn and left out; the same `seed` draws the same."""

    def __init__(self, n: int, seed: int = 0) -> None:
        self.n = n
        self._seed = seed

    @cached_property
    def _times(self) -> NDArray[np.uint8]:
        """How often each dialogue is in each sample, (SAMPLES, n) uint8."""
        draw = np.random.default_rng(hash64("bootstrap", self._seed))
        times = np.empty((SAMPLES, self.n), np.uint8)
        for row in times:
            row[:] = np.bincount(draw.integers(self.n, size=self.n), minlength=self.n)
        return times

    @cached_property
    def _groups(self) -> NDArray[np.intp]:
        """The group of each dialogue, (n,)."""
        return np.random.default_rng(hash64("jackknife", self._seed)).permutation(self.n) % min(GROUPS, self.n)

    def weights(self) -> Iterator[Floats]:
        """The samples as weights of the dialogues, (rows, n) at a time."""
        for first in range(0, SAMPLES, _ROWS):
            yield self._times[first : first + _ROWS].astype(np.float64)

    def bootstrap(self, measure: Callable[[Floats], Floats]) -> Interval:
        """The middle 95 % of a measure over the samples.

        `measure` takes weights, (rows, n), and gives a value a row; NaN where a sample has nothing to measure.
        """
        if self.n < 2:
            return None, None
        values = np.concatenate([measure(weights) for weights in self.weights()])
        values = values[~np.isnan(values)]
        if not len(values):
            return None, None
        low, high = np.percentile(values, (2.5, 97.5))
        return float(low), float(high)

    def ratio(self, above: ArrayLike, below: ArrayLike) -> Interval:
        """The interval of a ratio of sums over dialogues, each (n,)."""
        over, under = np.asarray(above, np.float64), np.asarray(below, np.float64)
        return self.bootstrap(lambda weights: divided(weights @ over, weights @ under))

    def median(self, values: ArrayLike, owners: ArrayLike | None = None) -> Interval:
        """The interval of a median; `owners` are the dialogues of the values, by number."""
        found = np.asarray(values, np.float64)
        order = np.argsort(found, kind="stable")
        whose = (np.arange(self.n) if owners is None else np.asarray(owners, np.intp))[order]

        def middle(weights: Floats) -> Floats:
            passed = np.cumsum(weights[:, whose], axis=1)
            half = (passed < passed[:, -1:] / 2).sum(axis=1)
            return np.where(passed[:, -1] > 0, found[order][np.minimum(half, len(order) - 1)], np.nan)

        return self.bootstrap(middle) if len(found) else (None, None)

    def jackknife(self, value: float, measure: Callable[[NDArray[np.bool_]], float | None]) -> Interval:
        """The t interval of a measure around its value, by what it is without each group of dialogues.

        `measure` takes which dialogues are there, (n,) bool; None where too few are.
        """
        groups = min(GROUPS, self.n)
        if groups < 2:
            return None, None
        without = [measure(self._groups != group) for group in range(groups)]
        found = [one for one in without if one is not None]
        if len(found) < groups:
            return None, None
        spread = float(np.sum((np.array(found) - np.mean(found)) ** 2))
        return t_interval(value, float(np.sqrt(spread * (groups - 1) / groups)), groups - 1)


def divided(above: Floats, below: Floats) -> Floats:
    """Quotients; NaN where the divisor is 0."""
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
