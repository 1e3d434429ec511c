"""Scores that a judge wrote into the record, held against limits. This filter reads them; it asks nobody."""

from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import Literal

from pydantic import JsonValue

from dialogue.records import Dialogue
from filters.engine.base import Drop, Limits, Measure


class Score(Limits):
    """Keeps what a judge scored high enough.

    Reasons: `score` (beyond a limit) and `missing` (no number under that name, which is never taken for a zero).
    """

    name: str
    """The score's name under `scores`; dots go deeper, as `helpfulness.rating`."""
    level: Literal["dialogue", "worst_turn", "mean_turn"] = "dialogue"
    """The dialogue's own score, or that of its answers: the worst, or their mean."""
    least_score: float | None = None
    """Least score that is kept."""
    most_score: float | None = None
    """Greatest score that is kept."""
    missing: Literal["drop", "keep"] = "drop"
    """What to do with a dialogue that has no such score; of answers, one without it is enough."""

    def measure(self, dialogue: Dialogue) -> Mapping[str, Measure]:
        """The score; nothing where it is missing."""
        found = list(self._scores(dialogue))
        numbers = [number for number in found if number is not None]
        if not numbers or len(numbers) < len(found):
            return {}
        value = fmean(numbers) if self.level == "mean_turn" else min(numbers)
        return {"score": Measure(value, {"name": self.name})}

    def _outcome(self, dialogue: Dialogue, measures: Mapping[str, Measure]) -> Dialogue | Drop:
        if not measures and self.missing == "drop":
            return Drop("missing", {"name": self.name})
        return super()._outcome(dialogue, measures)

    def _scores(self, dialogue: Dialogue) -> Iterator[float | None]:
        if self.level == "dialogue":
            yield _number(dialogue.scores, self.name)
            return
        for message in dialogue.messages:
            if message.role == "assistant":
                yield _number(message.scores or {}, self.name)


def _number(scores: Mapping[str, JsonValue], name: str) -> float | None:
    value: JsonValue = dict(scores)
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
