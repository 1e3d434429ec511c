"""Length control: what a win rate would be if both answers were equally long (Dubois et al. 2024, arXiv 2404.04475).

A logistic model without intercept of the judge's preference:

    phi * tanh((length of the baseline's answer - length of the model's) / their spread)
    + gamma * difficulty of the instruction       where difficulties are known
    + theta                                       the model's own, which anchors do not have

The controlled rate is the mean prediction without the first term. `fitted` is AlpacaEval's: L1 penalty, anchors at a
tenth of the weight. Without difficulties and anchors length and quality are hard to part, so `lc_simple` has a ridge
and bears its own name: the two are not to be compared.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluator.stats.estimate import Estimate
from evaluator.stats.intervals import percentiles

Floats = NDArray[np.float64]
CANDIDATES = tuple(float(c) for c in np.logspace(-4, 4, 10))
"""Among which AlpacaEval chooses the inverse strength of its penalty, by five-fold cross-validation."""
FOLDS = 5
ANCHOR_WEIGHT = 0.1
RIDGE = 1.0
ROUNDS = 400
FAR_POINTS, FAR_SHARE = 10.0, 0.25
"""Further apart than that, raw and controlled rate are both to be looked at, as upstream warns."""


class Weights(NamedTuple):
    """A fitted model."""

    length: float
    difficulty: float
    model: float


class Anchors(NamedTuple):
    """Verdicts on the baseline's own answers made concise and verbose, which hold the length term in its place."""

    questions: Sequence[str]
    length_term: Sequence[float]
    difficulty: Sequence[float]
    preference: Sequence[float]
    """0 to 1."""


class Sample(NamedTuple):
    """One system's verdicts against the baseline, (n,) each."""

    questions: Sequence[str]
    preference: Sequence[float]
    """0: the baseline was preferred, 1: the system."""
    baseline_length: Sequence[float]
    length: Sequence[float]
    difficulty: Sequence[float] | None = None


def length_term(sample: Sample) -> Floats:
    """tanh of the difference in length, in units of its spread."""
    apart = np.asarray(sample.baseline_length, float) - np.asarray(sample.length, float)
    spread = apart.std(ddof=1) if len(apart) > 1 else 0.0
    return np.tanh(apart / spread) if spread > 0 else np.zeros_like(apart)


def predicted(weights: Weights, difficulty: Sequence[float] | None, n: int) -> Floats:
    """Each question's preference at equal length, 0 to 1."""
    hard = np.zeros(n) if difficulty is None else np.asarray(difficulty, float)
    logit: Floats = weights.difficulty * hard + weights.model
    return 1 / (1 + np.exp(-logit))


def rate(weights: Weights, difficulty: Sequence[float] | None, n: int) -> float:
    """The length-controlled win rate in percent."""
    return float(100 * predicted(weights, difficulty, n).mean())


def fitted(sample: Sample, anchors: Anchors, c: float | None = None) -> Weights:
    """AlpacaEval's model; `c` None: chosen by cross-validation."""
    table = _table(sample, anchors)
    return Weights(*_solved(table, c if c is not None else _chosen(table), ridge=False))


def lc_fitted(sample: Sample, anchors: Anchors, c: float | None = None, *, seed: int = 0) -> Estimate:
    """AlpacaEval's length-controlled rate in percent; the interval draws questions anew and fits again.

    Upstream's standard error is that of the predictions' mean, which leaves out how sure the fit is.
    """
    table = _table(sample, anchors)
    chosen = _chosen(table) if c is None else c
    hard, n = np.asarray(sample.difficulty, float), len(sample.questions)
    fixed = np.arange(n, len(table.weight))

    def figure(rows: NDArray[np.int64]) -> float:
        weights = Weights(*_solved(table.rows(np.concatenate([rows, fixed])), chosen, ridge=False))
        return rate(weights, hard[rows].tolist(), len(rows))

    return _resampled(sample.questions, figure, seed)


def lc_simple(sample: Sample, *, seed: int = 0) -> Estimate:
    """The rate in percent at equal length by a ridge model of length alone; the interval draws questions anew."""
    table = _table(sample, None)

    def figure(rows: NDArray[np.int64]) -> float:
        return rate(Weights(*_solved(table.rows(rows), 1 / RIDGE, ridge=True)), None, 1)

    return _resampled(sample.questions, figure, seed)


def _resampled(questions: Sequence[str], figure: Callable[[NDArray[np.int64]], float], seed: int) -> Estimate:
    n = len(questions)
    places: dict[str, list[int]] = {}
    for at, question in enumerate(questions):
        places.setdefault(question, []).append(at)
    groups = [np.array(found) for found in places.values()]
    g = len(groups)
    generator = np.random.default_rng(seed)
    drawn = [figure(np.concatenate([groups[k] for k in generator.integers(0, g, g)])) for _ in range(ROUNDS)]
    low, high = percentiles(drawn)
    return Estimate(figure(np.arange(n)), low, high, float(np.std(drawn, ddof=1)), n, g, "bootstrap")


def far(raw: float, controlled: float) -> bool:
    """Whether the two rates, in percent, are so far apart that both should be looked at."""
    return abs(raw - controlled) > FAR_POINTS or abs(raw - controlled) > FAR_SHARE * max(raw, 1e-9)


class _Table(NamedTuple):
    terms: Floats
    """(rows, 3): length, difficulty, model."""
    preference: Floats
    weight: Floats
    groups: NDArray[np.int64]

    def rows(self, at: NDArray[np.int64]) -> "_Table":
        return _Table(self.terms[at], self.preference[at], self.weight[at], self.groups[at])


def _table(sample: Sample, anchors: Anchors | None) -> _Table:
    n = len(sample.questions)
    hard = np.zeros(n) if sample.difficulty is None else np.asarray(sample.difficulty, float)
    terms = np.column_stack([length_term(sample), hard, np.ones(n)])
    preference, weight, questions = np.asarray(sample.preference, float), np.ones(n), [*sample.questions]
    if anchors is not None:
        more = np.column_stack(
            [np.asarray(anchors.length_term), np.asarray(anchors.difficulty), np.zeros(len(anchors.questions))]
        )
        terms = np.concatenate([terms, more])
        preference = np.concatenate([preference, np.asarray(anchors.preference, float)])
        weight = np.concatenate([weight, np.full(len(more), ANCHOR_WEIGHT)])
        questions += anchors.questions
    numbers: Mapping[str, int] = {name: at for at, name in enumerate(dict.fromkeys(questions))}
    return _Table(terms, preference, weight, np.array([numbers[one] for one in questions], dtype=np.int64))


def _solved(table: _Table, c: float, *, ridge: bool) -> tuple[float, float, float]:
    """The weights that minimise c * weighted cross entropy + penalty; the L1 one as a bounded problem of both signs."""
    from scipy.optimize import minimize

    def loss(weights: Floats) -> tuple[float, Floats]:
        logit = table.terms @ weights
        entropy = np.logaddexp(0, logit) - table.preference * logit
        slope = table.terms.T @ (table.weight * (1 / (1 + np.exp(-logit)) - table.preference))
        return float(c * (table.weight * entropy).sum()), c * slope

    if ridge:

        def ridged(weights: Floats) -> tuple[float, Floats]:
            value, slope = loss(weights)
            return value + 0.5 * float(weights @ weights), slope + weights

        found = minimize(ridged, np.zeros(3), jac=True, method="L-BFGS-B", options={"gtol": 1e-8, "ftol": 1e-13}).x
        return float(found[0]), float(found[1]), float(found[2])

    def signed(halves: Floats) -> tuple[float, Floats]:
        value, slope = loss(halves[:3] - halves[3:])
        return value + float(halves.sum()), np.concatenate([slope + 1, 1 - slope])

    options = {"gtol": 1e-9, "ftol": 1e-15, "maxiter": 5_000}
    halves = minimize(signed, np.full(6, 0.01), jac=True, method="L-BFGS-B", bounds=[(0, None)] * 6, options=options).x
    found = halves[:3] - halves[3:]
    return float(found[0]), float(found[1]), float(found[2])


def _chosen(table: _Table) -> float:
    """Of the candidates the one with the least loss on questions that it was not fitted to."""
    from sklearn.model_selection import GroupKFold

    def held_out(c: float) -> float:
        total = weight = 0.0
        for train, test in GroupKFold(FOLDS).split(table.terms, groups=table.groups):
            weights = np.array(_solved(table.rows(train), c, ridge=False))
            logit = table.terms[test] @ weights
            entropy = np.logaddexp(0, logit) - table.preference[test] * logit
            total += float((table.weight[test] * entropy).sum())
            weight += float(table.weight[test].sum())
        return total / weight

    return min(CANDIDATES, key=held_out)
