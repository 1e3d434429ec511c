"""Ragged dialogues as ids and labels: the same for whoever trains on them, figures of generated dialogues in tokens.

Lengths are the quantiles of a log-normal of median 121 and mean 158, none above 914; 31 % of the tokens are taught, the
second part of each round. The tokens are drawn: what they say costs nobody anything.
"""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from trainer.text.example import IGNORE_INDEX

MEDIAN, SPREAD, LONGEST = 121, 0.733, 914
ROUND_TOKENS = 64
TAUGHT = 0.31


class Row(NamedTuple):
    """A dialogue in tokens; lists, so that no library has to convert another's arrays."""

    input_ids: list[int]
    labels: list[int]
    """The same where taught, -100 elsewhere; unshifted."""


def lengths_of(count: int, seed: int) -> list[int]:
    """So many lengths, in random order. Quantiles, not draws: a few hundred have the figures already."""
    normal = NormalDist(np.log(MEDIAN), SPREAD)
    quantiles = [normal.inv_cdf((place + 0.5) / count) for place in range(count)]
    lengths = [min(LONGEST, max(8, round(float(np.exp(one))))) for one in quantiles]
    return [lengths[place] for place in np.random.default_rng(seed).permutation(count)]


def rows_of(count: int, vocabulary: int, seed: int) -> list[Row]:
    """So many dialogues."""
    chance = np.random.default_rng(seed + 1)
    rows = []
    for length in lengths_of(count, seed):
        ids = chance.integers(3, vocabulary, length)
        rounds = max(1, round(length / ROUND_TOKENS))
        taught = (np.arange(length) * rounds / length) % 1.0 >= 1 - TAUGHT
        rows.append(Row(ids.tolist(), np.where(taught, ids, IGNORE_INDEX).tolist()))
    return rows


def figures(rows: list[Row]) -> str:
    """The figures of the rows in one line."""
    lengths = [len(row.input_ids) for row in rows]
    p90, p99 = np.percentile(lengths, (90, 99))
    taught = sum(label != IGNORE_INDEX for row in rows for label in row.labels) / sum(lengths)
    return (
        f"{len(rows):,} dialogues: mean {np.mean(lengths):.0f} tokens, median {np.median(lengths):.0f}, "
        f"p90 {p90:.0f}, p99 {p99:.0f}, max {max(lengths)}; {taught:.0%} taught"
    )
