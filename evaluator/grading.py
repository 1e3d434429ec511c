"""Objective checks over answers: grades, and the points and figures that come of them."""

from collections.abc import Callable, Sequence

from evaluator.bias import figure
from evaluator.check import Check
from evaluator.protocol import Pairing
from evaluator.records import Answer, Figure, Item, Point
from evaluator.scoring import Counts, Scoring
from evaluator.stats.intervals import mean


def graded(
    check: Check, system: str, items: Sequence[Item], answers: Callable[[Item, int], Answer | None], samples: int = 1
) -> Scoring:
    """A system's grades. An item without an answer is not graded: the endpoint failed, not the model."""
    by_name: dict[str, list[Point]] = {name: [] for name in check.figures}
    answered = missing = 0
    for item in items:
        for sample in range(samples):
            answer = answers(item, sample)
            if answer is None or len(answer.turns) < len(check.ask(item)):
                missing += 1
                continue
            answered += 1
            for name, values in check.grades(item, answer).items():
                by_name[name] += [Point(item.cluster, value, item.category) for value in values]
    states = {name: n for name, n in (("parsed", answered), ("unanswered", missing)) if n}
    counts = Counts(answered + missing, states)
    more = [_figure(check, system, name, points) for name, points in by_name.items() if points]
    covered = answered / counts.asked if counts.asked else 0.0
    return Scoring(system, None, by_name[check.headline], counts, more, covered)


def _figure(check: Check, system: str, name: str, points: Sequence[Point]) -> Figure:
    estimate = mean([point.value for point in points], [point.item for point in points])
    return figure(Pairing(system, None, ()), name, check.unit, estimate.scaled(check.factor), note=check.note)
