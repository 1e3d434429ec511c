"""One protocol on one benchmark: from judgments or grades to figures, comparisons and ranks.

Everything that is ranked becomes points, (question, value); so means, splits, comparisons and power are the same few
lines for every protocol.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from evaluator.bias import figure
from evaluator.protocol import Pairing
from evaluator.records import Figure, Point
from evaluator.score import Protocol
from evaluator.scoring import Counts, Scoring
from evaluator.stats.compare import Difference, compared, gap, ranks, resolvable, spread_of
from evaluator.stats.intervals import mean

BOUNDS_FROM = 0.02
"""Where more than this share has no verdict, the figure is shown with its bounds."""
FEW = 30
"""Questions below which a figure says little."""


class Section(NamedTuple):
    """What the report says of one protocol on one benchmark."""

    benchmark: str
    protocol: str
    headline: str
    unit: str
    judge: str | None
    figures: list[Figure]
    comparisons: list[Difference]
    ranks: dict[str, tuple[int, int]]
    lower_is_better: bool
    scale: tuple[float, float]
    """The least and the greatest value of the headline."""
    counts: dict[str, Counts]
    notes: list[str]
    scores: dict[str, dict[str, float]]
    """Each system's mean by question, in the headline's unit; empty where systems meet one another in pairs."""
    against: str | None
    """The baseline, where there is one."""
    resolves: float | None
    """The least paired difference that so many questions show in four of five repetitions."""


def section(
    benchmark: str,
    protocol: Protocol,
    scorings: Sequence[Scoring],
    *,
    judge: str | None,
    contaminated: frozenset[str] | None = None,
    notes: Sequence[str] = (),
) -> Section:
    """The figures of all systems, their comparisons and ranks. `contaminated`: clusters of items that have leaked."""
    figures: list[Figure] = []
    for one in scorings:
        figures += _figures(benchmark, protocol, one, contaminated)
    by_question = _by_question(scorings)
    comparisons = [one._replace(estimate=one.estimate.scaled(protocol.factor)) for one in compared(by_question)]
    values = {
        one.system: one.value
        for one in figures
        if one.headline and one.value is not None and one.split == "all" and one.system in by_question
    }
    spreads = [spread_of(by_question[one.first], by_question[one.second]) for one in comparisons]
    questions = max((len(scores) for scores in by_question.values()), default=0)
    spread = float(np.nanmedian(spreads)) if any(np.isfinite(spreads)) else float("nan")
    return Section(
        benchmark,
        protocol.name,
        protocol.headline,
        protocol.unit,
        judge,
        figures,
        comparisons,
        ranks({name: -value if protocol.lower_is_better else value for name, value in values.items()}, comparisons),
        protocol.lower_is_better,
        protocol.scale,
        {_label(one): one.counts for one in scorings},
        [*notes, *_notes(scorings, questions)],
        {name: {item: value * protocol.factor for item, value in of.items()} for name, of in by_question.items()},
        scorings[0].against if scorings and by_question else None,
        None if (least := resolvable(spread, questions)) is None else least * protocol.factor,
    )


def _label(one: Scoring) -> str:
    return one.system if one.against is None else f"{one.system} against {one.against}"


def _by_question(scorings: Sequence[Scoring]) -> dict[str, dict[str, float]]:
    """Each system's mean by question; where systems meet one another in pairs, each pair is its own comparison."""
    opponents = {one.against for one in scorings}
    found: dict[str, dict[str, float]] = {}
    if len(opponents) > 1:
        return found
    for one in scorings:
        values: dict[str, list[float]] = defaultdict(list)
        for point in one.points:
            values[point.item].append(point.value)
        found[one.system] = {item: float(np.mean(of)) for item, of in values.items()}
    return found


def _figures(benchmark: str, protocol: Protocol, one: Scoring, contaminated: frozenset[str] | None) -> list[Figure]:
    whole = _headline(benchmark, protocol, one, one.points, whole=True)
    found = [whole]
    for category in sorted({point.category for point in one.points if point.category is not None}):
        own = [point for point in one.points if point.category == category]
        found.append(_headline(benchmark, protocol, one, own).model_copy(update={"category": category}))
    if contaminated is not None:
        found += _splits(benchmark, protocol, one, contaminated)
    names: set[tuple[str, str | None]] = {(protocol.headline, None)}
    for more in one.more:
        if (more.name, more.category) not in names:
            names.add((more.name, more.category))
            asked = max(one.counts.asked, more.n_scored)
            filled = {"benchmark": benchmark, "protocol": protocol.name, "n_asked": asked}
            found.append(more.model_copy(update=filled))
    return found


def _headline(
    benchmark: str, protocol: Protocol, one: Scoring, points: Sequence[Point], *, whole: bool = False
) -> Figure:
    weights = [point.weight for point in points]
    estimate = mean(
        [point.value for point in points],
        [point.item for point in points],
        None if set(weights) <= {1.0} else weights,
        difference=protocol.unit != "percent",  # ones and noughts are shares only where the unit is one
    ).scaled(protocol.factor)
    found = figure(Pairing(one.system, one.against, ()), protocol.headline, protocol.unit, estimate)
    changes: dict[str, Any] = {"benchmark": benchmark, "protocol": protocol.name, "headline": True}
    if whole:
        asked, scored = one.counts.asked, one.counts.parsed
        changes |= {"n_asked": asked, "n_scored": scored, **_bounds(protocol, estimate.value, one)}
    return found.model_copy(update=changes)


def _bounds(protocol: Protocol, value: float, one: Scoring) -> dict[str, float]:
    """The figure if all that has no outcome were as bad, or as good, as can be, at the greatest weight there is."""
    if not one.points or not one.covered or not np.isfinite(value) or 1 - one.covered <= BOUNDS_FROM:
        return {}
    weights = [point.weight for point in one.points]
    there = sum(weights)
    missing = len(weights) * (1 - one.covered) / one.covered * max(weights)
    low, high = protocol.scale
    return {
        "worst": (value * there + low * missing) / (there + missing),
        "best": (value * there + high * missing) / (there + missing),
    }


def _splits(benchmark: str, protocol: Protocol, one: Scoring, contaminated: frozenset[str]) -> list[Figure]:
    """The headline on items that leaked and on those that did not, and how far apart the two are."""
    sides = {
        "contaminated": [point for point in one.points if point.item in contaminated],
        "clean": [point for point in one.points if point.item not in contaminated],
    }
    found = []
    for split, points in sides.items():
        if points:
            found.append(_headline(benchmark, protocol, one, points).model_copy(update={"split": split}))
    dirty, clean = (list(_by_question([one._replace(points=points)])[one.system].values()) for points in sides.values())
    if dirty and clean:
        estimate = gap(dirty, clean).scaled(protocol.factor)
        note = "contaminated minus clean items, which may also differ in difficulty"
        pairing = Pairing(one.system, one.against, ())
        apart = figure(pairing, f"{protocol.headline}_gap", protocol.unit, estimate, note=note)
        found.append(apart.model_copy(update={"benchmark": benchmark, "protocol": protocol.name}))
    return found


def _notes(scorings: Sequence[Scoring], questions: int) -> list[str]:
    found = []
    if 0 < questions < FEW:
        found.append(f"{questions} questions: too few to say much; an interval of {questions} values is rough")
    for one in scorings:
        lost = one.counts.asked - one.counts.parsed
        if one.counts.asked and lost / one.counts.asked > BOUNDS_FROM:
            why = ", ".join(f"{n:,} {state}" for state, n in one.counts.states.items() if state != "parsed")
            bounds = "; see the bounds" if one.counts.parsed else ""
            found.append(f"{_label(one)}: {lost:,} of {one.counts.asked:,} have no verdict ({why}){bounds}")
    return found
