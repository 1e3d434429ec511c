"""What the report says of each filter, summed over blocks; the sum does not depend on their order."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

EXAMPLES = 8
"""Dropped dialogues shown for each filter: those with the smallest hashes of their ids."""
EDITS = 3
"""Edited ones."""


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
    after: list[JsonValue] = field(default_factory=list)
    """Of an edited dialogue, its messages after the edit."""


@dataclass(slots=True)
class Counts:
    """One filter's figures."""

    read: int = 0
    looked_at: int = 0
    """Of these, dialogues that concern the filter."""
    dropped: int = 0
    earlier: int = 0
    """Dropped as copies of earlier data."""
    edited: int = 0
    noted: int = 0
    """Kept dialogues with notes."""
    notes: int = 0
    """Lines that they have in notes.jsonl."""
    reasons: Counter[str] = field(default_factory=Counter)
    values: dict[str, Counter[float]] = field(default_factory=dict)
    """Dialogues by measured value, floored to two significant digits."""
    beyond: dict[str, Counter[float]] = field(default_factory=dict)
    """Dialogues beyond each of the thresholds around the limit, the upper one where there are two."""
    below: dict[str, Counter[float]] = field(default_factory=dict)
    """Where there are two, dialogues below each of the thresholds around the lower one."""
    examples: list[Example] = field(default_factory=list)
    edits: list[Example] = field(default_factory=list)

    def add(self, other: "Counts") -> None:
        """Sum up."""
        self.read += other.read
        self.looked_at += other.looked_at
        self.dropped += other.dropped
        self.earlier += other.earlier
        self.edited += other.edited
        self.noted += other.noted
        self.notes += other.notes
        self.reasons += other.reasons
        for mine, others in (
            (self.values, other.values),
            (self.beyond, other.beyond),
            (self.below, other.below),
        ):
            for name, values in others.items():
                mine.setdefault(name, Counter()).update(values)
        self.examples = shown([*self.examples, *other.examples])
        self.edits = shown([*self.edits, *other.edits], EDITS)

    def measured(
        self, name: str, values: NDArray[np.float64], least: float | None, most: float | None, whole: bool
    ) -> None:
        """Count measured values, NaN for none, and what lies beyond the thresholds around the limits."""
        values = values[~np.isnan(values)]
        counted = self.values.setdefault(name, Counter())
        for value, number in zip(
            *(part.tolist() for part in np.unique(floored(values), return_counts=True)), strict=True
        ):
            counted[value] += number
        beyond = self.beyond.setdefault(name, Counter())
        own = least if most is None else most
        if own is None:
            return
        for threshold in thresholds(own, whole):
            beyond[threshold] += int((values < threshold if most is None else values > threshold).sum())
        if least is not None and most is not None:
            below = self.below.setdefault(name, Counter())
            for threshold in thresholds(least, whole):
                below[threshold] += int((values < threshold).sum())


def shown(examples: list[Example], most: int = EXAMPLES) -> list[Example]:
    """The examples that are shown."""
    return sorted(examples, key=lambda example: (example.draw, example.id))[:most]


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


def thresholds(own: float, whole: bool = False, steps: int = 5) -> list[float]:
    """Eleven around the one that is set, itself included; of what is counted, whole ones from 0 on."""
    places = np.array([place for place in range(-steps, steps + 1) if place], np.float64)
    step = max(1.0, round(own / 10)) if whole else abs(own) / 10 or 0.1
    others = floored(own + places * step)
    return sorted({own, *(others[others >= 0] if whole else others).tolist()})
