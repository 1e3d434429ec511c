"""Documents of equal content as one: who belongs together, which of them is preferred, and what is dropped for whom."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from filters.engine.base import Corpus
from filters.near.choice import Kept, by_preference, kept_by_cluster, kept_greedily
from filters.near.documents import Numbers, joined
from filters.near.verify import Pairs, packed


def repeats(numbers: Numbers, *keys: NDArray[np.uint64]) -> tuple[Numbers, Numbers]:
    """Of the documents, ascending, those whose keys an earlier one has too, and the first that has them."""
    order = np.lexsort(keys)
    same = np.ones(max(0, len(order) - 1), np.bool_)
    for key in keys:
        same &= key[order[1:]] == key[order[:-1]]
    heads = np.flatnonzero(np.concatenate([np.ones(min(1, len(order)), np.bool_), ~same]))
    of = np.repeat(order[heads], np.diff(heads, append=len(order)))
    copies = np.flatnonzero(np.concatenate([np.zeros(min(1, len(order)), np.bool_), same]))
    return numbers[order[copies]], numbers[of[copies]]


@dataclass(frozen=True, slots=True)
class Classes:
    """Classes of equal documents, numbered in order of preference: each stands where its best member does."""

    members: Numbers
    """Document numbers, ascending."""
    ids: list[str]
    """(members,)"""
    earlier: NDArray[np.bool_]
    """(members,) earlier data."""
    of: Numbers
    """(members,) the class of each."""
    best: Numbers
    """(classes,) the place in `members` of the best of each."""
    first: Numbers
    """(classes,) the lowest document number of each: that which is compared."""
    places: NDArray[np.int32]
    """(documents,) where each stands in `members`."""

    def __len__(self) -> int:
        return len(self.best)

    def holding(self, numbers: Numbers) -> Numbers:
        """The classes of these documents, each of which must be a member of one."""
        return self.of[self.places[numbers]]

    def sizes(self) -> Numbers:
        """(classes,) members of each."""
        return np.bincount(self.of, minlength=len(self))

    def dropped(self, kept: Kept) -> tuple[Numbers, Numbers, NDArray[np.float32]]:
        """Document numbers dropped, ascending, those kept instead, and the similarity, where classes are so kept.

        Of a class that is kept, its best member and earlier data are.
        """
        stays = kept.by[self.of] == self.of
        best = np.zeros(len(self.members), np.bool_)
        best[self.best] = True
        gone = np.flatnonzero(~(self.earlier | stays & best))
        instead = self.members[self.best[kept.by[self.of[gone]]]]
        similarity = np.where(stays[gone], 1.0, kept.jaccard[self.of[gone]])
        return self.members[gone], instead, similarity.astype(np.float32)


def classes(
    corpus: Corpus,
    numbers: Numbers,
    copies: Numbers,
    of: Numbers,
    scores: NDArray[np.float64],
    contents: NDArray[np.uint64],
) -> Classes:
    """The classes of these documents, ascending; document copies[i] is one with of[i], its first.

    `scores` and `contents`, hashes, are theirs.
    """
    everywhere = earlier_of(corpus)
    earlier = everywhere[numbers]
    ids = corpus.ids(numbers)
    order = by_preference(earlier, scores, ids, contents)
    first = numbers.copy()
    first[np.searchsorted(numbers, copies)] = of
    _, best, held_by = np.unique(first[order], return_index=True, return_inverse=True)
    standing = np.empty(len(best), np.int64)  # the order of preference of the classes' best members
    standing[np.argsort(best)] = np.arange(len(best))
    own = np.empty(len(numbers), np.int64)
    own[order] = standing[held_by]
    places = np.full(len(everywhere), -1, np.int32)
    places[numbers] = np.arange(len(numbers), dtype=np.int32)
    lowest = numbers[np.unique(own, return_index=True)[1]]
    return Classes(numbers, ids, earlier, own, order[np.sort(best)], lowest, places)


def counted(sizes: Numbers) -> list[JsonValue]:
    """[size, how many] of clusters, ascending, from two members on."""
    found, counts = np.unique(sizes[sizes > 1], return_counts=True)
    return [[size, count] for size, count in zip(found.tolist(), counts.tolist(), strict=True)]


def alive_in(corpus: Corpus) -> NDArray[np.bool_]:
    """(documents,) not dropped by an earlier filter."""
    return joined((shard.alive for shard in corpus.shards), np.bool_)


def earlier_of(corpus: Corpus) -> NDArray[np.bool_]:
    """(documents,) of earlier data."""
    return joined((np.full(len(shard.alive), shard.earlier, np.bool_) for shard in corpus.shards), np.bool_)


def linked(groups: Classes, pairs: Pairs) -> Pairs:
    """Pairs of documents as pairs of their classes, in the order of b, then a."""
    one, two = groups.holding(pairs.a), groups.holding(pairs.b)
    a, b = np.minimum(one, two), np.maximum(one, two)
    order = np.argsort(packed(b, a))
    return Pairs(a[order], b[order], pairs.jaccard[order])


def chosen(groups: Classes, links: Pairs, greedy: bool) -> Kept:
    """Which classes are kept, greedily or one of each cluster (which does not tell how alike they are)."""
    if greedy:
        return kept_greedily(len(groups), *links)
    by = kept_by_cluster(len(groups), links.a, links.b, groups.earlier[groups.best])
    return Kept(by, np.ones(len(groups)))
