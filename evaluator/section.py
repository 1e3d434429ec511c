"""One protocol on one benchmark: from judgments or grades to figures, comparisons and ranks.

Everything that is ranked becomes points, (question, value); so means, splits, comparisons and power are the same few
lines for every protocol.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from evaluator.bias import figure
from evaluator.protocol import Judge, Pairing
from evaluator.records import STATES, Figure, Judgment, Point
from evaluator.score import Protocol
from evaluator.stats.compare import Difference, compared, gap, ranks, resolvable, spread_of
from evaluator.stats.intervals import mean, wilson

BOUNDS_FROM = 0.02
"""Where more than this share has no verdict, the figure is shown with its bounds."""
FEW = 30
"""Questions below which a figure says little."""


class Counts(NamedTuple):
    """What became of the calls that a system's figures should stand on."""

    asked: int
    states: Mapping[str, int]
    """By state; "unanswered" where an answer was missing, "open" where the call was not made yet."""

    @property
    def parsed(self) -> int:
        return self.states.get("parsed", 0)


class Scoring(NamedTuple):
    """A system's points for the headline, with all that goes with them."""

    system: str
    against: str | None
    points: Sequence[Point]
    counts: Counts
    more: Sequence[Figure] = ()


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
    counts: dict[str, Counts]
    notes: list[str]
    scores: dict[str, dict[str, float]]
    """Each system's mean by question, in the headline's unit; empty where systems meet one another in pairs."""
    against: str | None
    """The baseline, where there is one."""
    resolves: float | None
    """The least paired difference that so many questions show in four of five repetitions."""


def counted(judgments: Sequence[Judgment], asked: int, unanswered: int = 0) -> Counts:
    """The states of calls; those of which nothing is known are open."""
    states = Counter(one.state for one in judgments)
    found: dict[str, int] = {state: states[state] for state in STATES if states[state]}
    open_ones = asked - len(judgments) - unanswered
    more = {"unanswered": unanswered, "open": open_ones}
    return Counts(asked, {**found, **{name: n for name, n in more.items() if n > 0}})


def judged(judge: Judge, pairing: Pairing, counts: Counts) -> Scoring:
    """A judged system's points and further figures."""
    parsed = [one for one in pairing.judgments if one.state == "parsed" and one.verdict is not None]
    kept = pairing._replace(judgments=parsed)
    more = [*(judge.more(kept) if parsed else ()), *_missing(pairing, counts)]
    return Scoring(pairing.system, pairing.against, judge.points(kept), counts, more)


def _missing(pairing: Pairing, counts: Counts) -> list[Figure]:
    """How often the judge refuses, and how often nothing can be made of its reply."""
    made = sum(counts.states.get(state, 0) for state in ("parsed", "unparsed", "refused"))
    rates = {"refused_rate": "refused", "unparsed_rate": "unparsed"}
    return [
        figure(pairing, name, "share", wilson(counts.states[state], made))
        for name, state in rates.items()
        if counts.states.get(state)
    ]


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
    ).scaled(protocol.factor)
    found = figure(Pairing(one.system, one.against, ()), protocol.headline, protocol.unit, estimate)
    changes: dict[str, Any] = {"benchmark": benchmark, "protocol": protocol.name, "headline": True}
    if whole:
        asked, scored = one.counts.asked, one.counts.parsed
        changes |= {"n_asked": asked, "n_scored": scored, **_bounds(protocol, estimate.value, asked, scored)}
    return found.model_copy(update=changes)


def _bounds(protocol: Protocol, value: float, asked: int, scored: int) -> dict[str, float]:
    """The figure if all calls without a verdict were as bad, or as good, as can be."""
    if not scored or not asked or (asked - scored) / asked <= BOUNDS_FROM:
        return {}
    share = scored / asked
    low, high = protocol.scale
    return {"worst": value * share + low * (1 - share), "best": value * share + high * (1 - share)}


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
            found.append(f"{_label(one)}: {lost:,} of {one.counts.asked:,} have no verdict ({why}); see the bounds")
    return found


Repeated = Callable[[Sequence[Judgment]], float]


def between_runs(judge: Judge, pairing: Pairing) -> list[Figure]:
    """The headline of each repeat, and how far repeats lie apart: a judge at temperature 0 is not the same twice."""
    repeats = sorted({one.repeat for one in pairing.judgments})
    if len(repeats) < 2:
        return []
    values = []
    for repeat in repeats:
        points = judge.points(pairing._replace(judgments=[one for one in pairing.judgments if one.repeat == repeat]))
        if points:
            values.append(float(np.average([p.value for p in points], weights=[p.weight for p in points])))
    if len(values) < 2:
        return []
    from evaluator.stats.estimate import Estimate

    spread = float(np.std(values, ddof=1)) * judge.factor
    found = Estimate(spread, None, None, None, len(values), len(values), "none")
    said = ", ".join(f"{value * judge.factor:.3f}" for value in values)
    return [figure(pairing, "between_run_sd", judge.unit, found, note=f"over {len(values)} repeats: {said}")]
