"""Topics and coherence without a model: cosines of TF-IDF vectors, under names of their own.

An encoder's cosines (UltraChat's 0.70) lie on another scale: they are never to be compared with these. A vector has
(1 + ln times) * (ln((1 + texts) / (1 + texts with the word)) + 1) for each word, and length 1. The more texts, the more
a rare word weighs and the smaller is every cosine (UltraChat: 0.059 of 100 dialogues, 0.046 of 700), so all is told of
blocks of 500 dialogues, and of fewer only with a word of warning.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluator.corpus.figure import Figure
from evaluator.corpus.resampling import Dialogues, Floats
from evaluator.corpus.variety import Ids

BLOCK = 500
"""Dialogues whose vectors are compared with one another."""
TOPIC_UNIT, PAIR_UNIT = "cosine of dialogues", "cosine of turns"


class Turn(NamedTuple):
    """Who speaks, and the words as numbers of a vocabulary, in their order."""

    role: str
    ids: Ids


class Vector(NamedTuple):
    """A sparse vector of length 1: places, ascending, and what stands there."""

    places: NDArray[np.intp]
    values: Floats


class TfIdf:
    """Makes vectors; words that many of the texts hold weigh little."""

    def __init__(self, texts: Sequence[Ids]) -> None:
        self.size = 1 + max((int(ids.max()) for ids in texts if len(ids)), default=0)
        holders = np.zeros(self.size)
        for ids in texts:
            holders[np.unique(ids)] += 1
        self._weights = np.log((1 + len(texts)) / (1 + holders)) + 1

    def vector(self, ids: Ids) -> Vector:
        """The vector of a text; an empty one for a text without words."""
        places, times = np.unique(ids, return_counts=True)
        values = (1 + np.log(times)) * self._weights[places]
        return Vector(places.astype(np.intp), values / max(float(np.sqrt(values @ values)), 1e-300))


def topic(dialogues: Sequence[Sequence[Turn]], draws: Dialogues) -> Figure:
    """The mean cosine of two dialogues: over all pairs of a block, by |sum|^2 - n, in one pass. Lower is more diverse.

    The interval is the bootstrap of each dialogue's mean cosine with the others, which counts twice since a dialogue
    is in a pair as one or as the other (Hoeffding 1948); a copy in a sample is thereby not taken for a likeness.
    """
    blocks = _blocks(dialogues)
    if len(blocks[0]) < 2:
        return Figure(None, len(dialogues), TOPIC_UNIT, why="one dialogue makes no pair")
    with_others = np.concatenate([_with_others(block) for block in blocks])
    n = len(with_others)
    value = float(with_others.mean())
    used = np.arange(draws.n) < n
    above = np.zeros(draws.n)
    above[used] = 2 * with_others - value
    return Figure(value, n, TOPIC_UNIT, *draws.ratio(above, used), why=_too_few(n))


def _blocks(dialogues: Sequence[Sequence[Turn]]) -> list[Sequence[Sequence[Turn]]]:
    """The dialogues in whole blocks, what is left over aside; one block of all where there are fewer."""
    whole = max(1, len(dialogues) // BLOCK)
    return [dialogues[BLOCK * number : BLOCK * (number + 1)] for number in range(whole)]


def _too_few(n: int) -> str | None:
    return f"of {n:,} dialogues; the figure is meant of {BLOCK:,}" if n < BLOCK else None


def _with_others(dialogues: Sequence[Sequence[Turn]]) -> Floats:
    """The mean cosine of each dialogue with the others, (n,)."""
    texts = [np.concatenate([turn.ids for turn in turns]) if turns else _NONE for turns in dialogues]
    space = TfIdf(texts)
    vectors = [space.vector(ids) for ids in texts]
    whole = np.zeros(space.size)
    for vector in vectors:
        whole[vector.places] += vector.values
    sums = [float(vector.values @ (whole[vector.places] - vector.values)) for vector in vectors]
    return np.array(sums) / (len(vectors) - 1)


class Coherence(NamedTuple):
    """Cosines of turns that follow one another, and of the same turns with strangers."""

    adjacent: Figure
    random: Figure
    """With the turns of other dialogues that have the same speaker as the one that follows: the mean over all."""
    difference: Figure


def coherence(dialogues: Sequence[Sequence[Turn]], draws: Dialogues) -> Coherence:
    """How much nearer a turn is to the one after it than to a stranger's; 0 where turns could be exchanged."""
    rows = np.zeros((draws.n, 3))
    first = 0
    for block in _blocks(dialogues):
        rows[first : first + len(block)] = _near_and_far(block)
        first += len(block)
    near, far, pairs = rows.T
    n = int(pairs.sum())
    if not n:
        none = Figure(None, 0, PAIR_UNIT, why="no turn that follows another, in two dialogues or more")
        return Coherence(none, none, none)
    found = ((above, draws.ratio(above, pairs)) for above in (near, far, near - far))
    return Coherence(*(Figure(float(a.sum() / n), n, PAIR_UNIT, *ends, why=_too_few(first)) for a, ends in found))


def _near_and_far(dialogues: Sequence[Sequence[Turn]]) -> Floats:
    """For each dialogue sums of cosines with the next turn and with strangers, and how many pairs, (n, 3)."""
    space = TfIdf([turn.ids for turns in dialogues for turn in turns])
    sums, counts = _by_role(dialogues, space)
    return np.array([_pairs(turns, space, sums, counts) for turns in dialogues], np.float64)


_NONE = np.zeros(0, np.uint32)


def _by_role(dialogues: Sequence[Sequence[Turn]], space: TfIdf) -> tuple[dict[str, Floats], dict[str, int]]:
    """The sum of all vectors of a speaker, and how many there are."""
    sums = {role: np.zeros(space.size) for turns in dialogues for role, _ in turns}
    counts = dict.fromkeys(sums, 0)
    for turns in dialogues:
        for role, ids in turns:
            vector = space.vector(ids)
            sums[role][vector.places] += vector.values
            counts[role] += 1
    return sums, counts


def _pairs(
    turns: Sequence[Turn], space: TfIdf, sums: dict[str, Floats], counts: dict[str, int]
) -> tuple[float, float, int]:
    """Sums over a dialogue's pairs of cosines, with the next turn and with strangers, and how many pairs there are."""
    vectors = [space.vector(turn.ids) for turn in turns]
    near = far = 0.0
    pairs = 0
    for place, after in enumerate(turns[1:]):
        own = [vector for vector, turn in zip(vectors, turns, strict=True) if turn.role == after.role]
        strangers = counts[after.role] - len(own)
        if not strangers:
            continue
        vector = vectors[place]
        with_all = float(vector.values @ sums[after.role][vector.places])
        far += (with_all - sum(cosine(vector, other) for other in own)) / strangers
        near += cosine(vector, vectors[place + 1])
        pairs += 1
    return near, far, pairs


def cosine(a: Vector, b: Vector) -> float:
    """The cosine of two vectors; 0.0 where one is empty."""
    _, left, right = np.intersect1d(a.places, b.places, assume_unique=True, return_indices=True)
    return float(a.values[left] @ b.values[right])
