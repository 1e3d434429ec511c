"""The dialogues that the costly figures are of: a random sample that fits in memory, and shares of its counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from evaluator.corpus.bounds import table
from evaluator.corpus.figure import Figure, never_seen
from evaluator.corpus.resampling import Dialogues, Floats
from evaluator.corpus.seen import Seen


@dataclass(frozen=True)
class Sample:
    """The dialogues that the costly figures are of, in random order, and what is known of the whole corpus."""

    seen: Sequence[Seen]
    draws: Dialogues
    dialogues: int
    """Of the whole corpus."""
    repeated_openers: int
    """Dialogues of the whole corpus whose opener stands before them, to the letter."""
    summary: Mapping[str, Any] | None = None
    """The run's own, where the corpus is a whole run."""
    follow_ups: int = 0
    """Of the whole corpus."""

    @property
    def whole(self) -> bool:
        """Whether it is all of the corpus."""
        return len(self.seen) == self.dialogues

    @cached_property
    def sizes(self) -> list[int]:
        """The words of all follow-ups."""
        return [size for one in self.seen for size in one.sizes]

    def counts(self, name: str) -> Floats:
        """A count of each dialogue, (n,)."""
        return np.array([one.counts.get(name, 0) for one in self.seen], np.float64)


def share(sample: Sample, above: Floats, below: Floats, unit: str = "%", absent: str = "there is none") -> Figure:
    """Sums of counts divided, in per cent. Where nothing, or all, was counted, no resampling can tell how sure that
    is: the end is then the greatest share that so many dialogues could have missed."""
    total, n, dialogues = above.sum(), int(below.sum()), int((below > 0).sum())
    if not n:
        return Figure(None, 0, unit, why=absent)
    low, high = sample.draws.ratio(100 * above, below)
    if total == 0:
        low, high = 0.0, 100 * never_seen(dialogues)
    elif total == n:
        low, high = 100 * (1 - never_seen(dialogues)), 100.0
    return Figure(float(100 * total / n), n, unit, low, high, why=fewer(dialogues))


def fewer(dialogues: int) -> str | None:
    """Why a figure of so few dialogues is not judged; None where they are enough."""
    return f"n = {dialogues} dialogues, {table().least} at least" if dialogues < table().least else None
