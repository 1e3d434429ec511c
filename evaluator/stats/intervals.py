"""Intervals of means: t, clustered by question, Wilson, BCa.

Values of one question (turns, samples, orders, translations) move together, so the question is what is drawn anew
(Miller 2024, arXiv 2411.00640). `mean` picks the interval that fits the values.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluator.stats.estimate import Estimate

LEVEL = 0.95
ROUNDS = 9_999
FEW, SKEWED = 100, 1.0
"""With fewer questions, or more skew, than that, a t interval is too symmetric."""
Floats = NDArray[np.float64]


def mean(
    values: Sequence[float],
    clusters: Sequence[Hashable],
    weights: Sequence[float] | None = None,
    *,
    difference: bool = False,
) -> Estimate:
    """The mean with the interval that fits: Wilson for ones and zeros, BCa where few or skewed, else t.

    Clusters of several values count as one. `weights` weigh values, as Arena-Hard weighs strong verdicts threefold.
    Differences of ones and zeros (`difference`) are no shares, even where none of them happens to be below nought.
    """
    found = np.asarray(values, float)
    groups = _numbers(clusters)
    weigh = np.ones_like(found) if weights is None else np.asarray(weights, float)
    if len(found) == 0:
        return Estimate(float("nan"), None, None, None, 0, 0, "none")
    g = int(groups.max()) + 1
    single = g == len(found) and weights is None
    if single and not difference and set(found.tolist()) <= {0.0, 1.0}:
        return wilson(int(found.sum()), g)._replace(se=_se(found))
    if not difference and set(found.tolist()) in ({0.0}, {1.0}):  # nothing to resample, and yet no certainty
        return wilson(g if found[0] else 0, g)._replace(n=len(found))
    if g < 3 or np.ptp(found) == 0:
        return Estimate(float(np.average(found, weights=weigh)), None, None, None, len(found), g, "none")
    tops, bottoms = (np.bincount(groups, parts).astype(np.float64) for parts in (weigh * found, weigh))
    if g < FEW or abs(_skew(tops / bottoms)) > SKEWED:
        se = _se(found) if single else _cluster_se(found, groups, weigh)
        return ratio(tops, bottoms)._replace(se=se, n=len(found), method="bca" if single else "clustered-bca")
    return t(found) if single else clustered(found, groups, weigh)


def t(values: Sequence[float] | Floats) -> Estimate:
    """The mean of values that have nothing to do with one another, with Student's interval."""
    from scipy import stats

    found = np.asarray(values, float)
    n = len(found)
    value = float(found.mean())
    if n < 2:
        return Estimate(value, None, None, None, n, n, "none")
    se = _se(found)
    low, high = stats.t.interval(LEVEL, n - 1, value, se) if se > 0 else (value, value)
    return Estimate(value, float(low), float(high), se, n, n, "t")


def clustered(
    values: Sequence[float] | Floats, clusters: Sequence[Hashable] | NDArray[np.int64], weights: Any = None
) -> Estimate:
    """The mean of values in clusters: cluster-robust standard error, t with clusters - 1 degrees of freedom."""
    from scipy import stats

    found = np.asarray(values, float)
    groups = clusters if isinstance(clusters, np.ndarray) else _numbers(clusters)
    g, n = int(groups.max()) + 1, len(found)
    value = float(np.average(found, weights=weights))
    if g < 2:
        return Estimate(value, None, None, None, n, g, "none")
    se = _cluster_se(found, groups, weights)
    low, high = stats.t.interval(LEVEL, g - 1, value, se) if se > 0 else (value, value)
    return Estimate(value, float(low), float(high), se, n, g, "clustered-t")


def _se(found: Floats) -> float:
    return float(found.std(ddof=1) / np.sqrt(len(found))) if len(found) > 1 else float("nan")


def _cluster_se(found: Floats, groups: NDArray[np.int64], weights: Any) -> float:
    from statsmodels.regression.linear_model import WLS

    if np.ptp(found) == 0:
        return 0.0
    weigh = np.ones_like(found) if weights is None else np.asarray(weights, float)
    fit = WLS(found, np.ones((len(found), 1)), weights=weigh).fit(cov_type="cluster", cov_kwds={"groups": groups})
    return float(fit.bse[0])


def wilson(hits: int, n: int) -> Estimate:
    """A share with Wilson's interval."""
    from statsmodels.stats.proportion import proportion_confint

    if n == 0:
        return Estimate(float("nan"), None, None, None, 0, 0, "none")
    low, high = proportion_confint(hits, n, alpha=1 - LEVEL, method="wilson")
    share = hits / n
    low, high = (0.0 if hits == 0 else low), (1.0 if hits == n else high)  # where rounding leaves 1e-17
    return Estimate(share, float(low), float(high), float(np.sqrt(share * (1 - share) / n)), n, n, "wilson")


def ratio(tops: Sequence[float] | Floats, bottoms: Sequence[float] | Floats, *, seed: int = 0) -> Estimate:
    """The sum of `tops` over that of `bottoms`, one pair a question, with a BCa interval that draws questions anew.

    A mean of clustered values is such a ratio (sums over counts), as is one model's total score over another's.
    """
    from scipy import stats

    over, under = np.asarray(tops, float), np.asarray(bottoms, float)
    g = len(over)
    value = float(over.sum() / under.sum()) if under.sum() else float("nan")
    if g < 3 or not np.isfinite(value):
        return Estimate(value, None, None, None, g, g, "none")
    if np.ptp(over - value * under) == 0:  # every resample gives the same
        return Estimate(value, value, value, 0.0, g, g, "bca")

    def statistic(a: Floats, b: Floats, axis: int = -1) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            share: Floats = a.sum(axis=axis) / b.sum(axis=axis)
        return share

    drawn = stats.bootstrap(
        (over, under), statistic, paired=True, vectorized=True, n_resamples=ROUNDS, method="BCa",
        confidence_level=LEVEL, rng=np.random.default_rng(seed), batch=max(1, 4_000_000 // g),
    )  # fmt: skip
    low, high = map(float, drawn.confidence_interval)
    sound = bool(np.isfinite(low) and np.isfinite(high))
    return Estimate(value, low if sound else None, high if sound else None, float(drawn.standard_error), g, g, "bca")


def percentiles(rounds: Sequence[float]) -> tuple[float, float]:
    """The 2.5 and 97.5 percentiles of a figure's bootstrap rounds."""
    low, high = np.percentile(np.asarray(rounds, float), [2.5, 97.5])
    return float(low), float(high)


def _numbers(clusters: Sequence[Hashable]) -> NDArray[np.int64]:
    """Each cluster as a number from 0, in order of first appearance."""
    seen: dict[Hashable, int] = {}
    return np.array([seen.setdefault(cluster, len(seen)) for cluster in clusters], dtype=np.int64)


def _skew(values: Floats) -> float:
    spread = values.std()
    return float(((values - values.mean()) ** 3).mean() / spread**3) if spread > 0 else 0.0
