"""Two systems on the same questions, and many of them: paired differences, McNemar, Holm, groups of ties, power."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from evaluator.stats.estimate import Estimate
from evaluator.stats.intervals import LEVEL, mean

POWER = 0.8
Scores = Mapping[str, float]
"""A system's mean score by question."""


class Difference(NamedTuple):
    """How much better the first is than the second, on the questions that both have a score for."""

    first: str
    second: str
    estimate: Estimate
    p: float | None
    """Of a paired t test; for ones and zeros McNemar's exact one. None where there is nothing to test."""
    test: str
    wilcoxon_p: float | None
    """Wilcoxon's signed-rank test beside it: it looks at ranks, so a few wild scores do not decide."""
    p_holm: float | None = None
    """Holm's correction for all pairs that were compared."""
    needed: int | None = None
    """How many questions would show this difference in four of five repetitions."""


def difference(first: str, a: Scores, second: str, b: Scores) -> Difference:
    """The paired difference of two systems."""
    shared = [question for question in a if question in b]
    x, y = (np.array([scores[question] for question in shared], float) for scores in (a, b))
    estimate = mean((x - y).tolist(), shared, difference=True)
    if len(shared) < 2 or not np.any(x != y):
        return Difference(first, second, estimate, None if len(shared) < 2 else 1.0, "none", None)
    if set(x.tolist()) | set(y.tolist()) <= {0.0, 1.0}:
        return Difference(first, second, estimate, _mcnemar(x, y), "mcnemar", None)
    from scipy import stats

    spread = float(np.std(x - y))
    p = float(stats.ttest_rel(x, y).pvalue) if spread > 0 else 0.0
    return Difference(first, second, estimate, p, "paired-t", float(stats.wilcoxon(x, y).pvalue))


def _mcnemar(
    x: "np.ndarray[tuple[int], np.dtype[np.float64]]", y: "np.ndarray[tuple[int], np.dtype[np.float64]]"
) -> float:
    from statsmodels.stats.contingency_tables import mcnemar

    table = [[int(((x == i) & (y == j)).sum()) for j in (1, 0)] for i in (1, 0)]
    return float(mcnemar(table, exact=True).pvalue)


def compared(systems: Mapping[str, Scores]) -> list[Difference]:
    """All pairs, with Holm's correction over them."""
    found = []
    for a, b in combinations(systems, 2):
        one = difference(a, systems[a], b, systems[b])
        found.append(one._replace(needed=questions_for(one.estimate.value, spread_of(systems[a], systems[b]))))
    tested = [one for one in found if one.p is not None]
    if not tested:
        return found
    from statsmodels.stats.multitest import multipletests

    corrected = multipletests([one.p for one in tested], method="holm")[1]
    by_pair = {(one.first, one.second): float(p) for one, p in zip(tested, corrected, strict=True)}
    return [one._replace(p_holm=by_pair.get((one.first, one.second))) for one in found]


def ranks(values: Mapping[str, float], differences: Sequence[Difference]) -> dict[str, tuple[int, int]]:
    """The best and the worst rank that each system may have: those that no test parts from it may stand either side.

    (1, 2) and (1, 2) is a tie for the first place; systems without a figure are left out.
    """
    parted = {
        frozenset((one.first, one.second)) for one in differences if one.p_holm is not None and one.p_holm < 1 - LEVEL
    }
    found = {}
    for name, value in values.items():
        others = [other for other in values if other != name]
        apart = [other for other in others if frozenset((name, other)) in parted]
        better = sum(values[other] > value for other in apart)
        worse = sum(values[other] < value for other in apart)
        found[name] = (1 + better, len(values) - worse)
    return found


def questions_for(delta: float, spread: float) -> int | None:
    """How many questions show a paired difference of `delta` in four of five repetitions (two-sided, 5 %).

    `spread` is the standard deviation of the differences by question (Miller 2024, section 5). None for no difference.
    """
    from scipy import stats

    if delta == 0 or not np.isfinite(delta) or not np.isfinite(spread):
        return None
    z = stats.norm.ppf(1 - (1 - LEVEL) / 2) + stats.norm.ppf(POWER)
    return int(np.ceil((z * spread / delta) ** 2))


def resolvable(spread: float, questions: int) -> float | None:
    """The least paired difference that so many questions show in four of five repetitions."""
    from scipy import stats

    if questions < 2 or not np.isfinite(spread):
        return None
    z = stats.norm.ppf(1 - (1 - LEVEL) / 2) + stats.norm.ppf(POWER)
    return float(z * spread / np.sqrt(questions))


def spread_of(a: Scores, b: Scores) -> float:
    """The standard deviation of two systems' differences by question."""
    found = [a[question] - b[question] for question in a if question in b]
    return float(np.std(found, ddof=1)) if len(found) > 1 else float("nan")


def gap(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """How much higher the mean of the first is, of questions that are not the same ones: Welch's interval."""
    from scipy import stats

    a, b = np.asarray(first, float), np.asarray(second, float)
    n = len(a) + len(b)
    if min(len(a), len(b)) < 2:
        value = float(a.mean() - b.mean()) if min(len(a), len(b)) else float("nan")
        return Estimate(value, None, None, None, n, n, "none")
    value = float(a.mean() - b.mean())
    se = float(np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)))
    if se == 0:
        return Estimate(value, value, value, 0.0, n, n, "t")
    ends = stats.ttest_ind(a, b, equal_var=False).confidence_interval(LEVEL)
    return Estimate(value, float(ends.low), float(ends.high), se, n, n, "t")
