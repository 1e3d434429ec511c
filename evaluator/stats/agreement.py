"""Whether a judge judges as people do: raw agreement and kappa."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluator.stats.estimate import Estimate
from evaluator.stats.intervals import mean, percentiles

ROUNDS = 2_000


class Agreement(NamedTuple):
    """Two raters on the same questions."""

    raw: Estimate
    """Share of equal labels."""
    without_ties: Estimate | None
    """The same where neither says tie."""
    kappa: Estimate
    """Cohen's; quadratically weighted for numbers."""


def agreement(
    first: Sequence[str | float], second: Sequence[str | float], questions: Sequence[str], *, seed: int = 0
) -> Agreement:
    """How far two raters agree; the kappa's interval draws questions anew.

    Labels are words ("A", "B", "tie") or numbers on a scale.
    """
    same = [float(a == b) for a, b in zip(first, second, strict=True)]
    sure = [place for place, pair in enumerate(zip(first, second, strict=True)) if "tie" not in pair]
    numbers = all(isinstance(label, int | float) for label in (*first, *second))
    bare = None
    if not numbers and len(sure) < len(same):
        bare = mean([same[place] for place in sure], [questions[place] for place in sure])
    return Agreement(mean(same, questions), bare, _kappa(first, second, questions, numbers, seed))


def _kappa(
    first: Sequence[str | float], second: Sequence[str | float], questions: Sequence[str], numbers: bool, seed: int
) -> Estimate:
    from sklearn.metrics import cohen_kappa_score

    labels = sorted({*map(str, first), *map(str, second)}, key=float if numbers else None)
    if numbers and all(float(label).is_integer() for label in labels):  # distances are of grades, not of places
        ends = [int(float(labels[end])) for end in (0, -1)]
        labels = [str(grade) for grade in range(ends[0], ends[1] + 1)]
        first, second = ([str(int(float(label))) for label in side] for side in (first, second))
    place = {label: at for at, label in enumerate(labels)}
    a, b = (np.array([place[str(label)] for label in side]) for side in (first, second))
    weights = "quadratic" if numbers else None
    if len(labels) < 2:
        return Estimate(float("nan"), None, None, None, len(a), len(set(questions)), "none")

    def kappa(rows: NDArray[np.int64]) -> float:
        x, y = a[rows], b[rows]
        if x.min() == x.max() == y.min() == y.max():
            return float("nan")  # nothing but one label: no chance agreement to correct for
        return float(cohen_kappa_score(x, y, weights=weights, labels=range(len(labels))))

    clusters: dict[str, list[int]] = {}
    for at, question in enumerate(questions):
        clusters.setdefault(question, []).append(at)
    rows = [np.array(found) for found in clusters.values()]
    generator = np.random.default_rng(seed)
    drawn = [
        kappa(np.concatenate([rows[g] for g in generator.integers(0, len(rows), len(rows))])) for _ in range(ROUNDS)
    ]
    kept = [value for value in drawn if np.isfinite(value)]
    value = kappa(np.arange(len(a)))
    if len(rows) < 3 or not kept:
        return Estimate(value, None, None, None, len(a), len(rows), "none")
    low, high = percentiles(kept)
    return Estimate(value, low, high, float(np.std(kept, ddof=1)), len(a), len(rows), "bootstrap")
