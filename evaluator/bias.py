"""What a judge leans to: the place an answer stands in, and its length."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from evaluator.protocol import Pairing
from evaluator.records import Figure, Judgment
from evaluator.stats.compare import gap
from evaluator.stats.estimate import Estimate
from evaluator.stats.intervals import LEVEL, mean
from evaluator.verdicts import Scored, cells, preference, scores

FEW = 10
"""Values below which a slope is not fitted."""


def figure(
    pairing: Pairing, name: str, unit: str, found: Estimate, category: str | None = None, note: str | None = None
) -> Figure:
    """An estimate as a figure of the report, which fills in how many were asked for."""
    one = pairing.judgments[0] if pairing.judgments else None
    return Figure(
        name=name,
        unit=unit,
        system=pairing.system,
        against=pairing.against,
        benchmark=one.benchmark if one else "",
        protocol=one.protocol if one else "",
        category=category,
        value=found.value if np.isfinite(found.value) else None,
        low=found.low,
        high=found.high,
        se=found.se,
        method=found.method,
        n_asked=found.n,
        n_scored=found.n,
        clusters=found.clusters,
        note=note,
    )


def bias_figures(pairing: Pairing) -> list[Figure]:
    """Of pairs: position_bias, first_rate, conflict_rate, length_bias; those that the verdicts can tell."""
    rows = [one for one in pairing.judgments if preference(one, pairing.system) is not None]
    found = [*_position(pairing, rows), *_conflicts(pairing, rows)]
    leaning = [(one, longer) for one in rows if (longer := _longer(one)) is not None]
    if leaning:
        estimate = mean([2 * longer - 1 for _, longer in leaning], [one.cluster for one, _ in leaning], difference=True)
        note = "longer preferred minus shorter preferred; longer answers may also be better"
        found.append(figure(pairing, "length_bias", "share", estimate, note=note))
    return found


def _position(pairing: Pairing, rows: Sequence[Judgment]) -> list[Figure]:
    """How much more the system is preferred where it stands first than where it stands second.

    A judge that takes the first whatever it says in a share q of its verdicts has a bias of q. Where every question was
    shown both ways the difference is taken question by question, else between the questions.
    """
    if not rows:
        return []
    sides: dict[bool, dict[tuple[str, int | None, int], list[float]]] = {
        True: defaultdict(list),
        False: defaultdict(list),
    }
    for one in rows:
        value = preference(one, pairing.system)
        assert value is not None
        sides[one.shown[0] == pairing.system][one.cluster, one.turn, one.repeat].append(value)
    first, second = (
        {at: float(np.mean(values)) for at, values in side.items()} for side in (sides[True], sides[False])
    )
    both = [at for at in first if at in second]
    if both:
        estimate = mean([first[at] - second[at] for at in both], [at[0] for at in both], difference=True)
    elif first and second:
        estimate = gap(_by_question(first), _by_question(second))
    else:
        return []  # always in one place: its bias and the other's quality cannot be parted
    firsts = mean([_first(one) for one in rows], [one.cluster for one in rows])
    found = [figure(pairing, "first_rate", "share", firsts, note="how often the answer shown first is preferred")]
    return [*found, figure(pairing, "position_bias", "share", estimate, note="preferred first minus preferred second")]


def _by_question(values: Mapping[tuple[str, int | None, int], float]) -> list[float]:
    """The mean of each question: its turns and repeats are no further questions."""
    found: dict[str, list[float]] = defaultdict(list)
    for (item, _, _), value in values.items():
        found[item].append(value)
    return [float(np.mean(of)) for of in found.values()]


def _first(one: Judgment) -> float:
    value = preference(one, one.shown[0])
    assert value is not None
    return value


def _conflicts(pairing: Pairing, rows: Sequence[Judgment]) -> list[Figure]:
    """The share of questions on which the two orders do not name the same winner, or tie."""
    found = []
    for cell, ones in cells(rows).items():
        by_order: dict[int, list[float]] = defaultdict(list)
        for one in ones:
            value = preference(one, pairing.system)
            assert value is not None
            by_order[one.order].append(value)
        if len(by_order) > 1:
            sides = {float(np.sign(np.mean(values) - 0.5)) for values in by_order.values()}
            found.append((float(len(sides) > 1), cell.item))
    if not found:
        return []
    estimate = mean([value for value, _ in found], [item for _, item in found])
    return [figure(pairing, "conflict_rate", "share", estimate, note="the two orders disagree")]


def _longer(one: Judgment) -> float | None:
    """How much the longer of two answers is preferred; None where neither is longer."""
    if len(one.lengths) != 2 or one.lengths[0] == one.lengths[1]:
        return None
    first = preference(one, one.shown[0])
    assert first is not None
    return first if one.lengths[0] > one.lengths[1] else 1 - first


def score_figures(pairing: Pairing) -> list[Figure]:
    """Of scores: what a doubling of the answer's length brings, and on sheets what the first place brings."""
    every = scores(pairing.judgments)
    own = [one for one in every if one.system == pairing.system]
    return [*_slope(pairing, own), *_place(pairing, every)]


def _slope(pairing: Pairing, own: Sequence[Scored]) -> list[Figure]:
    measured = [one for one in own if one.length]
    logs = np.log2([float(one.length or 1) for one in measured])
    if len(measured) < FEW or np.ptp(logs) == 0:
        return []
    from scipy import stats
    from statsmodels.regression.linear_model import OLS

    values = np.array([one.value for one in measured])
    clusters = {name: at for at, name in enumerate(dict.fromkeys(one.judgment.cluster for one in measured))}
    groups = np.array([clusters[one.judgment.cluster] for one in measured])
    g = len(clusters)
    if np.ptp(values) == 0 or g < 3:
        return []
    terms = np.column_stack([np.ones(len(logs)), logs])
    fit = OLS(values, terms).fit(cov_type="cluster", cov_kwds={"groups": groups})
    se = float(fit.bse[1])
    half = float(stats.t.ppf((1 + LEVEL) / 2, g - 1)) * se
    slope = float(fit.params[1])
    found = Estimate(slope, slope - half, slope + half, se, len(values), g, "clustered-t")
    note = "points that a doubling of the answer's length goes with; longer answers may also be better"
    return [figure(pairing, "length_slope", "points", found, note=note)]


def _place(pairing: Pairing, every: Sequence[Scored]) -> list[Figure]:
    """How much more a system gets in the first place of a sheet than in the last, its mean taken off."""
    if max((len(one.judgment.shown) for one in every), default=0) < 2:
        return []
    by_system: dict[str, list[float]] = defaultdict(list)
    for one in every:
        by_system[one.system].append(one.value)
    usual = {system: float(np.mean(values)) for system, values in by_system.items()}
    first = {one.judgment.key: one.value - usual[one.system] for one in every if one.place == 0}
    last = {
        one.judgment.key: one.value - usual[one.system] for one in every if one.place == len(one.judgment.shown) - 1
    }
    clusters = {one.judgment.key: one.judgment.cluster for one in every}
    keys = [key for key in first if key in last]
    estimate = mean([first[key] - last[key] for key in keys], [clusters[key] for key in keys], difference=True)
    return [figure(pairing, "place_bias", "points", estimate, note="in the first place minus in the last")]
