"""What the report says of each filter, summed over blocks; the sum does not depend on their order."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

EXAMPLES = 8
"""Dropped dialogues shown for each filter: those with the smallest hashes of their ids."""


@dataclass(slots=True)
class Example:
    """A dropped dialogue to be shown."""

    draw: int
    """A hash of the id; the smallest are shown."""
    id: str
    reason: str
    evidence: Mapping[str, JsonValue]
    messages: list[JsonValue]
    kept: int | None = None
    """The number of the document that was kept instead."""


@dataclass(slots=True)
class Counts:
    """One filter's figures."""

    read: int = 0
    dropped: int = 0
    earlier: int = 0
    """Dropped as copies of earlier data."""
    edited: int = 0
    noted: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    values: dict[str, Counter[float]] = field(default_factory=dict)
    """Dialogues by measured value, floored to two significant digits."""
    beyond: dict[str, Counter[float]] = field(default_factory=dict)
    """Dialogues beyond each of the thresholds around the limit."""
    examples: list[Example] = field(default_factory=list)

    def add(self, other: "Counts") -> None:
        """Sum up."""
        self.read += other.read
        self.dropped += other.dropped
        self.earlier += other.earlier
        self.edited += other.edited
        self.noted += other.noted
        self.reasons += other.reasons
        for mine, others in ((self.values, other.values), (self.beyond, other.beyond)):
            for name, values in others.items():
                mine.setdefault(name, Counter()).update(values)
        self.examples = shown([*self.examples, *other.examples])

    def measured(self, name: str, values: NDArray[np.float64], least: float | None, most: float | None) -> None:
        """Count measured values, NaN for none, and what lies beyond the thresholds around the limit."""
        values = values[~np.isnan(values)]
        counted = self.values.setdefault(name, Counter())
        for value, number in zip(
            *(part.tolist() for part in np.unique(floored(values), return_counts=True)), strict=True
        ):
            counted[value] += number
        beyond = self.beyond.setdefault(name, Counter())
        for threshold in thresholds(least, most):
            beyond[threshold] += int((values > threshold if most is not None else values < threshold).sum())


def shown(examples: list[Example]) -> list[Example]:
    """The examples that are shown."""
    return sorted(examples, key=lambda example: (example.draw, example.id))[:EXAMPLES]


def floored(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values with two significant digits, rounded towards minus infinity."""
    found = np.zeros_like(values)
    some = np.flatnonzero(values)
    digits = 1 - np.floor(np.log10(np.abs(values[some]))).astype(np.int64)
    for digit in np.unique(digits).tolist():
        places = some[digits == digit]
        scaled = np.round(values[places] * 10.0**digit, 6)  # 0.3 * 100 is 30, not 29.999999999999996
        found[places] = np.round(np.floor(scaled) / 10.0**digit, max(digit, 0))
    return found


def thresholds(least: float | None, most: float | None, steps: int = 5) -> list[float]:
    """Eleven around the one that is set, itself included; where two are, around the upper one."""
    own = most if most is not None else least
    if own is None:
        return []
    places = np.array([place for place in range(-steps, steps + 1) if place], np.float64)
    others = own + places * (abs(own) / 10 or 0.1)
    return sorted({own, *floored(others).tolist()})
