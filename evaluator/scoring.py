"""One system's points by one protocol, and what became of the calls they stand on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from evaluator.bias import figure
from evaluator.protocol import Judge, Pairing
from evaluator.records import STATES, Figure, Judgment, Point
from evaluator.stats.estimate import Estimate
from evaluator.stats.intervals import wilson
from evaluator.verdicts import cells, orders_asked, orders_each


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
    covered: float = 1.0
    """The share of what was asked that has an outcome: of calls, or of questions that take two orders together."""


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
    kept = pairing._replace(judgments=parsed, orders=orders_each(pairing.judgments))
    more = [*(judge.more(kept) if parsed else ()), *_missing(pairing, counts)]
    covered = _covered(pairing, kept, counts)
    return Scoring(pairing.system, pairing.against, judge.points(kept), counts, more, covered)


def _covered(pairing: Pairing, kept: Pairing, counts: Counts) -> float:
    """How much of the asked has an outcome; a question that lacks one order's verdict may have none."""
    if not counts.asked or not pairing.judgments:
        return 0.0
    parsed = counts.parsed / counts.asked
    if kept.orders < 2:
        return parsed
    whole = sum(orders_asked(rows) == kept.orders for rows in cells(kept.judgments).values())
    made = len(pairing.judgments) / counts.asked
    return min(parsed, made * whole / len(cells(pairing.judgments)))


def _missing(pairing: Pairing, counts: Counts) -> list[Figure]:
    """How often the judge refuses, and how often nothing can be made of its reply."""
    made = sum(counts.states.get(state, 0) for state in ("parsed", "unparsed", "refused"))
    rates = {"refused_rate": "refused", "unparsed_rate": "unparsed"}
    return [
        figure(pairing, name, "share", wilson(counts.states[state], made))
        for name, state in rates.items()
        if counts.states.get(state)
    ]


def between_runs(judge: Judge, pairing: Pairing) -> list[Figure]:
    """The headline of each repeat, and how far repeats lie apart: a judge at temperature 0 is not the same twice."""
    orders = orders_each(pairing.judgments)
    pairing = pairing._replace(judgments=[one for one in pairing.judgments if one.verdict is not None], orders=orders)
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
    spread = float(np.std(values, ddof=1)) * judge.factor
    found = Estimate(spread, None, None, None, len(values), len(values), "none")
    said = ", ".join(f"{value * judge.factor:.3f}" for value in values)
    return [figure(pairing, "between_run_sd", judge.unit, found, note=f"over {len(values)} repeats: {said}")]
