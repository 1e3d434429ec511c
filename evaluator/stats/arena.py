"""Battles between systems: Bradley-Terry strengths with questions drawn anew, and how many pairs can be told apart."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluator.stats.estimate import Estimate
from evaluator.stats.intervals import percentiles

ROUNDS = 2_000
LEAST_DRAWN = 0.95
"""The share of draws in which a system has to have a battle, for its strength to have an interval."""
SCALE, START = 400.0, 1000.0
"""Of Elo's scale: 400 points are odds of ten to one."""
Matrix = NDArray[np.float64]


class Battle(NamedTuple):
    """One verdict between two systems on one question."""

    question: str
    first: str
    second: str
    share: float
    """1: the first wins, 0: the second, 0.5: a tie."""
    weight: float = 1.0


def bradley_terry(
    battles: Sequence[Battle], anchor: str | None = None, *, rounds: int = ROUNDS, seed: int = 0
) -> dict[str, Estimate]:
    """Each system's strength in Elo points, the anchor's (else the mean) at 1000, with percentile intervals.

    Ties count half. What is drawn anew are questions, not battles: both orders and a threefold weight belong to one
    question, and Arena-Hard's published intervals, which draw battles, are about half as wide as they should be.
    """
    names = sorted({name for battle in battles for name in (battle.first, battle.second)})
    won = _won(battles, names)
    point = _elo(won.sum(axis=0), names, anchor)
    generator = np.random.default_rng(seed)
    questions = len(won)
    flat = won.reshape(questions, -1)
    drawn = np.empty((rounds, len(names)))
    for place in range(rounds):
        counts = generator.multinomial(questions, np.full(questions, 1 / questions))
        drawn[place] = _elo((counts @ flat).reshape(won.shape[1:]), names, anchor)
    found = {}
    for at, name in enumerate(names):
        n = sum(name in (battle.first, battle.second) for battle in battles)
        there = drawn[np.isfinite(drawn[:, at]), at]
        if len(there) < LEAST_DRAWN * rounds:  # so few questions that many draws hold none of its battles
            found[name] = Estimate(float(point[at]), None, None, None, n, questions, "none")
            continue
        low, high = percentiles(there.tolist())
        found[name] = Estimate(float(point[at]), low, high, float(there.std(ddof=1)), n, questions, "bootstrap")
    return found


def _won(battles: Sequence[Battle], names: Sequence[str]) -> Matrix:
    """(questions, systems, systems): how much each has won against each, by question."""
    place = {name: at for at, name in enumerate(names)}
    questions = {battle.question: 0 for battle in battles}
    at = {question: number for number, question in enumerate(questions)}
    won = np.zeros((len(questions), len(names), len(names)))
    for battle in battles:
        q, i, j = at[battle.question], place[battle.first], place[battle.second]
        won[q, i, j] += battle.weight * battle.share
        won[q, j, i] += battle.weight * (1 - battle.share)
    return won


def _elo(won: Matrix, names: Sequence[str], anchor: str | None) -> Matrix:
    """Strengths by evalica's solver, on Elo's scale.

    Where one side of a pair has never won, both are lent half a win: else it would have no strength at all.
    """
    from evalica import Winner
    from evalica import bradley_terry as solve

    shut_out = ((won == 0) | (won.T == 0)) & (won + won.T > 0)
    lent = won + 0.5 * shut_out
    rows, columns = np.nonzero(lent)
    result = solve(
        [names[int(i)] for i in rows],
        [names[int(j)] for j in columns],
        [Winner.X] * len(rows),
        weights=lent[rows, columns].tolist(),
        tolerance=1e-8,
        limit=2_000,
    )
    scores = [result.scores.get(name, np.nan) for name in names]  # a draw may hold no battle of a system
    strengths = np.log(np.array(scores, float)) * SCALE / np.log(10.0)
    zero = strengths[list(names).index(anchor)] if anchor is not None and anchor in names else np.nanmean(strengths)
    elo: Matrix = strengths - zero + START
    return elo


def separability(intervals: Mapping[str, tuple[float, float]]) -> tuple[int, int]:
    """Pairs of systems whose intervals do not overlap, and all pairs (Arena-Hard's measure of a benchmark)."""
    pairs = list(combinations(intervals.values(), 2))
    return sum(a[1] < b[0] or b[1] < a[0] for a, b in pairs), len(pairs)
