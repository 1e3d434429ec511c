"""Exact figures of a stream: means with intervals over dialogues, medians and percentiles, in little memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from evaluator.corpus.figure import Figure, Sums


class Running:
    """Whole numbers, some from each dialogue, added as they come; kept is how often each one came."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._sums = Sums()

    @property
    def total(self) -> int:
        """The sum of all."""
        return int(self._sums.total)

    @property
    def n(self) -> int:
        """How many there are."""
        return self._sums.n

    def add(self, values: Sequence[int]) -> None:
        """Take one dialogue's values."""
        self._counts.update(values)
        self._sums.add(sum(values), len(values))

    def figure(self, unit: str) -> Figure:
        """Mean, 95 % interval, median and p95 of all that was added."""
        found = self._sums.figure(unit)
        return replace(found, median=self._at(0.5), p95=self._at(0.95)) if self.n else found

    def _at(self, share: float) -> float:
        """The value below which so much lies; between two values, the middle of them."""
        place, passed = share * self.n, 0
        values = sorted(self._counts)
        for value, after in zip(values, [*values[1:], values[-1]], strict=True):
            passed += self._counts[value]
            if passed >= place:
                return (value + after) / 2 if passed == place else float(value)
        return float(values[-1])
