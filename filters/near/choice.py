"""Which of several copies is kept: pure functions over an order of preference."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.kernels.jit import jit
from filters.near.documents import Numbers


class Kept(NamedTuple):
    """For each document the one kept instead, itself where it is kept, and the similarity of the two."""

    by: Numbers
    jaccard: NDArray[np.float64]


def all_kept(count: int) -> Kept:
    """Every document keeps itself."""
    return Kept(np.arange(count), np.ones(count))


def by_preference(
    earlier: NDArray[np.bool_], scores: NDArray[np.float64], ids: Sequence[str], contents: NDArray[np.uint64]
) -> Numbers:
    """The documents in order of preference: earlier data, then the higher score, then the smaller id.

    Of equal ids the smaller hash of the content goes first, so that the order of the input decides nothing.
    """
    return np.lexsort((contents, ranks(ids), -scores, ~earlier))


def ranks(ids: Sequence[str]) -> Numbers:
    """The place of each id among all in ascending order; equal ids share theirs."""
    order = sorted(range(len(ids)), key=ids.__getitem__)
    found = np.zeros(len(ids), np.int64)
    rank = 0
    for place, number in enumerate(order):
        if place and ids[number] != ids[order[place - 1]]:
            rank += 1
        found[number] = rank
    return found


def kept_greedily(count: int, a: Numbers, b: Numbers, jaccard: NDArray[np.float64]) -> Kept:
    """Each document in turn is dropped if one that is kept already is alike to it: for the most similar of them.

    Documents are numbered in order of preference; a < b in each pair, and pairs stand in the order of b, then a.
    """
    kept = all_kept(count)
    _keep(a, b, jaccard, kept.by, kept.jaccard)
    return kept


def kept_by_cluster(count: int, a: Numbers, b: Numbers, earlier: NDArray[np.bool_]) -> Numbers:
    """The first document of each one's connected component; earlier data keeps itself."""
    return np.where(earlier, np.arange(count), components(count, a, b))


def components(count: int, a: Numbers, b: Numbers) -> Numbers:
    """The first document of each one's connected component, (count,)."""
    roots = np.arange(count)
    _join(a, b, roots)
    return roots


@jit
def _keep(a: Numbers, b: Numbers, jaccard: NDArray[np.float64], by: Numbers, similarity: NDArray[np.float64]) -> None:
    for pair in range(len(a)):
        one, two = a[pair], b[pair]
        if by[one] == one and (by[two] == two or jaccard[pair] > similarity[two]):
            by[two], similarity[two] = one, jaccard[pair]


@jit
def _join(a: Numbers, b: Numbers, roots: Numbers) -> None:
    """Union-find with the smallest number as the root."""
    for pair in range(len(a)):
        one, two = a[pair], b[pair]
        while roots[one] != one:
            roots[one] = roots[roots[one]]
            one = roots[one]
        while roots[two] != two:
            roots[two] = roots[roots[two]]
            two = roots[two]
        roots[max(one, two)] = min(one, two)
    for number in range(len(roots)):
        roots[number] = roots[roots[number]]
