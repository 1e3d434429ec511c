"""How often a 95 % interval holds the truth, by simulation: each kind of interval on data made for it, 10,000 times.

    python -m bench.coverage [--repetitions 10000] [--processes 2]

Bradley-Terry's intervals draw 400 rounds here and 2,000 in a report: fewer rounds make them no wider.
"""

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from evaluator.stats import arena, intervals
from evaluator.stats.compare import difference
from evaluator.stats.estimate import Estimate

N = 200
"""Questions of every simulated evaluation."""
ROUNDS = 400
Draw = Callable[[np.random.Generator], tuple[Estimate, float]]
"""One evaluation: the estimate, and the truth."""


def t(draw: np.random.Generator) -> tuple[Estimate, float]:
    """Scores 1-10 of single answers."""
    return intervals.t(draw.integers(1, 11, N).astype(float)), 5.5


def _turns(draw: np.random.Generator) -> np.ndarray:
    """Two turns a question, correlated by 0.6."""
    question = draw.normal(0, np.sqrt(0.6), (N, 1))
    return (7 + 1.5 * (question + draw.normal(0, np.sqrt(0.4), (N, 2)))).ravel()


def clustered(draw: np.random.Generator) -> tuple[Estimate, float]:
    """Two correlated turns, clustered by question."""
    return intervals.clustered(_turns(draw), [place // 2 for place in range(2 * N)]), 7.0


def unclustered(draw: np.random.Generator) -> tuple[Estimate, float]:
    """The same, taken for 400 values that have nothing to do with one another."""
    return intervals.t(_turns(draw)), 7.0


def paired(draw: np.random.Generator) -> tuple[Estimate, float]:
    """The difference of two systems on the same questions."""
    hard = draw.normal(0, 1, N)
    a, b = (hard + draw.normal(mean, 0.5, N) for mean in (0.3, 0.0))
    names = list(map(str, range(N)))
    return difference("a", dict(zip(names, a, strict=True)), "b", dict(zip(names, b, strict=True))).estimate, 0.3


def wilson(draw: np.random.Generator) -> tuple[Estimate, float]:
    """A share of 0.3."""
    return intervals.wilson(int((draw.random(N) < 0.3).sum()), N), 0.3


def bca(draw: np.random.Generator) -> tuple[Estimate, float]:
    """A skewed mean."""
    return intervals.ratio(draw.exponential(1.0, N), np.ones(N), seed=int(draw.integers(1 << 31))), 1.0


STRENGTHS = {"a": 100.0, "b": 0.0, "c": -60.0}


def bradley_terry(draw: np.random.Generator) -> tuple[Estimate, float]:
    """Three systems, both orders a question, verdicts of one question alike; strength of one above the anchor."""
    battles = []
    for question in range(N):
        lean = draw.random()  # shared by the two orders of a question, which so agree more often than by chance
        for first, second in (("a", "b"), ("b", "c"), ("a", "c")):
            chance = 1 / (1 + 10 ** ((STRENGTHS[second] - STRENGTHS[first]) / 400))
            for _ in range(2):
                own = lean if draw.random() < 0.5 else draw.random()
                battles.append(arena.Battle(str(question), first, second, float(own < chance)))
    found = arena.bradley_terry(battles, "b", rounds=ROUNDS, seed=int(draw.integers(1 << 31)))
    return found["a"], 1000 + STRENGTHS["a"] - STRENGTHS["b"]


KINDS: dict[str, Draw] = {
    "t": t,
    "clustered mean": clustered,
    "paired difference": paired,
    "Bradley-Terry": bradley_terry,
    "BCa": bca,
    "Wilson": wilson,
    "unclustered, on clustered values": unclustered,
}


def held(kind: str, repetitions: int, start: int) -> int:
    """How many of the intervals hold the truth."""
    found = 0
    for number in range(start, start + repetitions):
        estimate, truth = KINDS[kind](np.random.default_rng((number, 7)))
        assert estimate.low is not None
        assert estimate.high is not None
        found += estimate.low <= truth <= estimate.high
    return found


def main() -> None:
    """Print a row for each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=list(KINDS), default=list(KINDS))
    asked = parser.parse_args()
    print(
        f"| interval | of {asked.repetitions:,} intervals, n = {N} questions, hold the truth |\n|---|---|", flush=True
    )
    part = asked.repetitions // asked.processes
    with ProcessPoolExecutor(asked.processes) as pool:
        for kind in asked.only:
            starts = [number * part for number in range(asked.processes)]
            total = sum(pool.map(partial(held, kind, part), starts))
            print(f"| {kind} | {100 * total / (part * asked.processes):.1f} % |", flush=True)


if __name__ == "__main__":
    main()
