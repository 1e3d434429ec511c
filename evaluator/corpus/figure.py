"""A figure: a number, how sure it is, and of how many; and the intervals that need no resampling."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LEVEL = 0.95
"""Of all intervals."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its 95 % interval; None where there is nothing to measure, or too little for an interval."""

    value: float | None
    n: int
    """How many of what `unit` is said of: dialogues, turns, follow-ups."""
    unit: str
    low: float | None = None
    high: float | None = None
    median: float | None = None
    p95: float | None = None
    """The value below which 95 % lie."""
    why: str | None = None
    """What is to be known of it; without a value, why there is none."""

    def plain(self) -> dict[str, Any]:
        """For programs: value, low, high, n, unit, and what else there is."""
        more = {"median": self.median, "p95": self.p95, "why": self.why}
        base = {"value": self.value, "low": self.low, "high": self.high, "n": self.n, "unit": self.unit}
        return base | {name: value for name, value in more.items() if value is not None}


@lru_cache(maxsize=1024)
def t_quantile(freedom: int) -> float:
    """How many standard errors a 95 % interval reaches to either side."""
    from scipy.special import stdtrit  # 0.2 s, which not every command shall pay

    return float(stdtrit(freedom, (1 + LEVEL) / 2))


def t_interval(mean: float, error: float, freedom: int) -> tuple[float | None, float | None]:
    """The mean and so many of its standard errors to either side; none without a degree of freedom."""
    if freedom < 1:
        return None, None
    reach = t_quantile(freedom) * error
    return mean - reach, mean + reach


class Sums:
    """A mean of numbers that come in dialogues: a ratio of two sums over dialogues, with its error as such.

    Turns of one dialogue are alike, so the dialogue is what the interval counts (Cochran 1977, 6.4).
    """

    def __init__(self) -> None:
        self.total: float = 0
        self.n = 0
        self._dialogues = 0
        self._of_totals: float = 0
        self._of_counts: float = 0
        self._of_both: float = 0

    def add(self, total: float, count: int) -> None:
        """Take one dialogue's sum of so many numbers; a dialogue without any is none of this mean's."""
        if not count:
            return
        self.total += total
        self.n += count
        self._dialogues += 1
        self._of_totals += total * total
        self._of_counts += count * count
        self._of_both += total * count

    def figure(self, unit: str) -> Figure:
        """The mean and its t interval; none for fewer than two dialogues."""
        if not self.n:
            return Figure(None, 0, unit, why="there is none")
        mean, dialogues = self.total / self.n, self._dialogues
        if dialogues < 2:
            return Figure(mean, self.n, unit)
        squares = self._of_totals - 2 * mean * self._of_both + mean * mean * self._of_counts
        error = math.sqrt(max(0.0, squares) * dialogues / (dialogues - 1)) / self.n
        return Figure(mean, self.n, unit, *t_interval(mean, error, dialogues - 1))


def never_seen(n: int) -> float:
    """The greatest share that still fits with having seen nothing in n independent cases (Clopper and Pearson)."""
    return float(1 - ((1 - LEVEL) / 2) ** (1 / n))
