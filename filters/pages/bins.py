"""How a histogram is cut: bins with round edges, and the scale on which they stand."""

from collections.abc import Iterable, Sequence
from math import ceil, floor, log10
from typing import NamedTuple

MOST_BINS = 28
LONG_TAIL = 50
"""Values reach this many times beyond their median: a logarithmic scale, unless they are shares."""
_TENTHS = (1.0, 1.2, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 8.0)
"""Edges of a decade in equal steps of the logarithm, with the two digits that the report's values have."""
_FUZZ = 1e-9


class Bin(NamedTuple):
    """Values from `low` to below `high`."""

    low: float
    high: float
    dialogues: int


class Scale(NamedTuple):
    """Values from `low` to `high` on a line from 0 to 1."""

    low: float
    high: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value stands, held within 0 to 1."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = log10(low), log10(high), log10(max(value, low))
        return min(1.0, max(0.0, (value - low) / (high - low)))

    def ticks(self, most: int = 6) -> list[float]:
        """Round values to be written at the line."""
        if self.logarithmic:
            decades = range(floor(log10(self.low) + _FUZZ), ceil(log10(self.high) - _FUZZ) + 1)
            digits = (1, 2, 5) if len(decades) < 4 else (1,)
            found = [digit * 10.0**power for power in decades for digit in digits]
            return [value for value in found if self.low * (1 - _FUZZ) <= value <= self.high * (1 + _FUZZ)]
        step = round_up((self.high - self.low) / most)
        first = ceil(self.low / step - _FUZZ)
        return [round(place * step, 10) for place in range(first, floor(self.high / step + _FUZZ) + 1)]


class Cut(NamedTuple):
    """Bins in order, and their scale."""

    bins: Sequence[Bin]
    scale: Scale
    whole: bool
    """Values are whole numbers: one stands in the middle of its bin of width 1."""
    nought: bool = False
    """The first bin holds the zeros, which have no place on a logarithmic scale."""


def cut(values: Sequence[tuple[float, int]], limits: Iterable[float] = ()) -> Cut:
    """The histogram of values (value, how many), wide enough to show limits that are not far away."""
    lowest, highest = min(value for value, _ in values), max(value for value, _ in values)
    limits = [limit for limit in limits if abs(limit) <= max(1.0, 3 * abs(highest))]
    whole = all(value == int(value) for value, _ in values)
    low, high = min(lowest, *limits, highest), max(highest, *limits, lowest)
    if low >= 0 and high > 1.5 and high > LONG_TAIL * _median(values):
        return _logarithmic(values, high, whole)
    return _linear(values, 0.0 if 0 <= low < high / 2 else low, high, whole)


def round_up(value: float) -> float:
    """The least of 1, 2, 5, 10, 20, ... (and 0.5, 0.2, ...) that is not below the value."""
    power = floor(log10(value) + _FUZZ)
    digit = next(digit for digit in (1, 2, 5, 10) if digit * 10.0**power >= value * (1 - _FUZZ))
    return float(f"{digit}e{power}")


def _linear(values: Sequence[tuple[float, int]], low: float, high: float, whole: bool) -> Cut:
    largest = max(abs(low), abs(high))
    digit = 10.0 ** (floor(log10(largest)) - 1) if largest else 1.0  # the last that values are told apart by
    digit = max(1.0, digit) if whole else digit
    step = round_up(max(digit, (high - low) / MOST_BINS))
    first = floor(low / step + _FUZZ)
    counts = [0] * (floor(high / step + _FUZZ) - first + 1)
    for value, n in values:
        counts[floor(value / step + _FUZZ) - first] += n
    edges = [round((first + place) * step, 10) for place in range(len(counts) + 1)]
    shift = 0.5 if whole else 0.0
    bins = [Bin(edges[place] - shift, edges[place + 1] - shift, n) for place, n in enumerate(counts)]
    return Cut(bins, Scale(bins[0].low, bins[-1].high), whole)


def _logarithmic(values: Sequence[tuple[float, int]], high: float, whole: bool) -> Cut:
    smallest = min((value for value, _ in values if value > 0), default=1.0)
    powers = range(floor(log10(smallest) + _FUZZ), floor(log10(high) + _FUZZ) + 2)
    edges = [float(f"{digit * 10.0**power:.2g}") for power in powers for digit in _TENTHS]
    edges = edges[max(0, _after(edges, smallest) - 1) : _after(edges, high) + 1]
    counts = [0] * (len(edges) - 1)
    zeros = 0
    for value, n in values:
        if value > 0:
            counts[_after(edges, value) - 1] += n
        else:
            zeros += n
    bins = [Bin(edges[place], edges[place + 1], n) for place, n in enumerate(counts)]
    if zeros:
        bins.insert(0, Bin(edges[0] * edges[0] / edges[1], edges[0], zeros))
    return Cut(bins, Scale(bins[0].low, bins[-1].high, logarithmic=True), whole, nought=zeros > 0)


def _median(values: Sequence[tuple[float, int]]) -> float:
    """The value below which half of all stand."""
    left = sum(n for _, n in values) / 2
    for value, n in sorted(values):
        left -= n
        if left <= 0:
            return value
    return 0.0


def _after(edges: Sequence[float], value: float) -> int:
    """How many edges lie at or below the value."""
    return sum(edge <= value * (1 + _FUZZ) for edge in edges)
