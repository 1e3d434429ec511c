"""Figures beside the headline: who won how often, ratios and totals of scores, and the discrete rate."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from evaluator.bias import bias_figures, figure, score_figures
from evaluator.protocol import Judge, Pairing
from evaluator.records import Figure, Judgment, Point
from evaluator.stats.intervals import mean, ratio
from evaluator.verdicts import mean_scores, preference_points, score_points, whole

__all__ = [
    "bias_figures",
    "by_turn",
    "category_totals",
    "discrete",
    "macro_mean",
    "outcomes",
    "score_figures",
    "score_ratio",
    "score_ratio_by_category",
]


def outcomes(pairing: Pairing, points: Sequence[Point]) -> list[Figure]:
    """Shares of wins, ties and losses, and both win rates that people print: with ties as halves, and without ties."""
    if not points:
        return []
    kinds = {"win_share": 1.0, "tie_share": 0.5, "loss_share": 0.0}
    found = [
        _percent(pairing, name, [point._replace(value=float(point.value == value)) for point in points])
        for name, value in kinds.items()
    ]
    decided = [point for point in points if point.value != 0.5]
    found.append(_percent(pairing, "adjusted_win_rate", points))
    if decided:
        found.append(_percent(pairing, "win_rate_without_ties", decided))
    return found


def discrete(pairing: Pairing) -> list[Figure]:
    """The win rate with each preference rounded to one side; one of exactly a half counts half."""
    points = preference_points(pairing)
    if not points:
        return []
    return [_percent(pairing, "discrete_win_rate", [point._replace(value=_rounded(point.value)) for point in points])]


def _rounded(preference: float) -> float:
    return 0.5 if preference == 0.5 else float(preference > 0.5)


def _percent(pairing: Pairing, name: str, points: Sequence[Point]) -> Figure:
    found = mean([point.value for point in points], [point.item for point in points])
    return figure(pairing, name, "percent", found.scaled(100))


def score_ratio(pairing: Pairing, category: str | None = None) -> list[Figure]:
    """The system's scores over the other's, in percent, on the questions where both have one."""
    assert pairing.against is not None
    mine, theirs = _totals(pairing, pairing.system), _totals(pairing, pairing.against)
    shared = [item for item in mine if item in theirs]
    if not shared or not sum(theirs[item] for item in shared):
        return []
    found = ratio([mine[item] for item in shared], [theirs[item] for item in shared]).scaled(100)
    ratios = [figure(pairing, "score_ratio", "percent", found, category)]
    if category is not None:
        return ratios
    return [*ratios, *_sums(pairing, mine, theirs, shared)]


def _sums(pairing: Pairing, mine: dict[str, float], theirs: dict[str, float], shared: Sequence[str]) -> list[Figure]:
    """Both totals, as Vicuna's table prints them: sums over the questions, not figures with an interval."""
    sides = {"total": mine, "total_of_other": theirs}
    return [
        figure(pairing, name, "points", ratio([side[item] for item in shared], [1 / len(shared)] * len(shared)))
        for name, side in sides.items()
    ]


def _totals(pairing: Pairing, system: str) -> dict[str, float]:
    """A system's mean scores summed over the turns of each question, of what has a verdict in every order."""
    by_turn: dict[tuple[str, int | None], list[float]] = defaultdict(list)
    for cell, value in mean_scores(pairing._replace(judgments=whole(pairing)), system).items():
        by_turn[cell.item, cell.turn].append(value)
    found: dict[str, float] = defaultdict(float)
    for (item, _), values in by_turn.items():  # several values: repeats
        found[item] += sum(values) / len(values)
    return found


def score_ratio_by_category(pairing: Pairing) -> list[Figure]:
    """The ratio of scores in each category."""
    found = []
    for category, rows in _by_category(pairing).items():
        found += score_ratio(pairing._replace(judgments=rows), category)
    return found


def _by_category(pairing: Pairing) -> dict[str, list[Judgment]]:
    found: dict[str, list[Judgment]] = defaultdict(list)
    for one in pairing.judgments:
        if one.category is not None:
            found[one.category].append(one)
    return found


def by_turn(pairing: Pairing, protocol: Judge) -> list[Figure]:
    """The headline for each turn, where there are several."""
    points = protocol.points(pairing)
    turns = sorted({point.turn for point in points if point.turn is not None})
    if len(turns) < 2:
        return []
    found = []
    for turn in turns:
        own = [point for point in points if point.turn == turn]
        share = protocol.unit == "percent"
        estimate = mean([point.value for point in own], [point.item for point in own], difference=not share)
        scaled = estimate.scaled(protocol.factor)
        found.append(figure(pairing, f"{protocol.headline}_turn_{turn}", protocol.unit, scaled))
    return found


def category_totals(pairing: Pairing) -> list[Figure]:
    """The sum of scores in each category, as DreamerGPT's tables print it."""
    found = []
    for category, values in _by_class(score_points(pairing)).items():
        n = len(values)
        whole = mean([point.value for point in values], [point.item for point in values], difference=True)
        estimate = whole.scaled(n)
        found.append(figure(pairing, "category_total", f"points of {10 * n}", estimate, category))
    return found


def macro_mean(pairing: Pairing, unit: str) -> list[Figure]:
    """The mean of the classes' means: each class counts the same, however many items it has."""
    groups = _by_class(score_points(pairing))
    if len(groups) < 2:
        return []
    points = [point for values in groups.values() for point in values]
    weights = [1 / len(values) for values in groups.values() for _ in values]
    found = mean([p.value for p in points], [p.item for p in points], weights, difference=True)
    return [figure(pairing, "macro_mean", unit, found)]


def _by_class(points: Iterable[Point]) -> dict[str, list[Point]]:
    """Points by category, its name in lower case and with plain blanks: BELLE writes one class in two ways."""
    found: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        if point.category is not None:
            found[" ".join(point.category.lower().split())].append(point)
    return found
