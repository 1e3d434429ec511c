"""From verdicts to points: whose score it is, who won, once both orders are put together."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from evaluator.protocol import Pairing
from evaluator.records import Judgment, Point


class Scored(NamedTuple):
    """One system's score in one judgment."""

    judgment: Judgment
    system: str
    value: float
    place: int
    """Where its answer stood, from 0."""
    length: int | None


def scores(judgments: Iterable[Judgment]) -> list[Scored]:
    """Every score that was given."""
    found = []
    for one in judgments:
        if one.verdict is None:
            continue
        for place, (system, value) in enumerate(zip(one.shown, one.verdict.scores, strict=False)):
            length = one.lengths[place] if place < len(one.lengths) else None
            found.append(Scored(one, system, value, place, length))
    return found


def preference(judgment: Judgment, system: str) -> float | None:
    """How much the system is preferred to the other, 0 to 1; of two scores the higher wins. None: it has none."""
    verdict = judgment.verdict
    if verdict is None or len(judgment.shown) != 2 or system not in judgment.shown:
        return None
    first = verdict.preference
    if first is None:
        if len(verdict.scores) != 2:
            return None
        a, b = verdict.scores
        first = 0.5 if a == b else float(a > b)
    return first if judgment.shown[0] == system else 1 - first


class Cell(NamedTuple):
    """What belongs together: one question, one turn, one repeat."""

    item: str
    turn: int | None
    repeat: int


def cells(judgments: Iterable[Judgment]) -> dict[Cell, list[Judgment]]:
    """Judgments of both orders and all samples together."""
    found: dict[Cell, list[Judgment]] = defaultdict(list)
    for one in judgments:
        found[Cell(one.cluster, one.turn, one.repeat)].append(one)
    return found


def orders_asked(judgments: Sequence[Judgment]) -> int:
    """How many different orders there are."""
    return len({one.order for one in judgments})


def orders_each(judgments: Sequence[Judgment]) -> int:
    """In how many orders a question was asked, at most: one where the order is drawn for each."""
    return max(map(orders_asked, cells(judgments).values()), default=1)


def whole(pairing: Pairing) -> list[Judgment]:
    """The judgments of cells that have a verdict in every order: without one, a mean is of one side's better place."""
    rows = cells(pairing.judgments).values()
    return [one for own in rows if orders_asked(own) >= pairing.orders for one in own]


def mean_scores(pairing: Pairing, system: str) -> dict[Cell, float]:
    """A system's mean score by cell, over orders and samples."""
    found: dict[Cell, list[float]] = defaultdict(list)
    for one in scores(pairing.judgments):
        if one.system == system:
            found[Cell(one.judgment.cluster, one.judgment.turn, one.judgment.repeat)].append(one.value)
    return {cell: sum(values) / len(values) for cell, values in found.items()}


def score_points(pairing: Pairing) -> list[Point]:
    """A point for each score of the system."""
    return [
        Point(one.judgment.cluster, one.value, one.judgment.category, one.judgment.turn)
        for one in scores(pairing.judgments)
        if one.system == pairing.system
    ]


def preference_points(pairing: Pairing) -> list[Point]:
    """A point for each verdict between the system and the other."""
    found = []
    for one in pairing.judgments:
        value = preference(one, pairing.system)
        if value is not None and one.verdict is not None:
            found.append(Point(one.cluster, value, one.category, one.turn, one.verdict.strength))
    return found


def agreed_points(pairing: Pairing) -> list[Point]:
    """1 where the system wins in every order, 0 where it loses in every one, else 0.5 (MT-bench's rule).

    A cell that lacks one of the orders has no outcome.
    """
    found = []
    for cell, rows in cells(whole(pairing)).items():
        values = {preference(one, pairing.system) for one in rows} - {None}
        value = values.pop() if len(values) == 1 else 0.5
        found.append(Point(cell.item, 0.5 if value is None else value, rows[0].category, cell.turn))
    return found


def compared_points(pairing: Pairing) -> list[Point]:
    """1, 0.5 or 0 by the mean scores over orders and samples; equal means are a tie.

    A cell that lacks one of the orders has no outcome: its mean would be that of one side's favourite place.
    """
    against = pairing.against
    assert against is not None
    mine, theirs = mean_scores(pairing, pairing.system), mean_scores(pairing, against)
    found = []
    for cell, rows in cells(whole(pairing)).items():
        if cell not in mine or cell not in theirs:
            continue
        a, b = mine[cell], theirs[cell]
        found.append(Point(cell.item, 0.5 if abs(a - b) < 1e-9 else float(a > b), rows[0].category, cell.turn))
    return found
