"""Rewrites that share no words with the item: the user turns nearest to each item in the space of a local encoder.

    nearest = Nearest(benchmarks, LocalEncoder("models/all-MiniLM-L6-v2"))
    nearest.add(dialogues)                          # the whole corpus, streamed, in as many calls as one likes
    found = nearest.found()
    hits(found, dialogue)                           # candidates, for a judge; none is a leak for its cosine alone

As in llm-decontaminator (Yang et al. 2023) what is bounded is the number of candidates per item, so a judge is asked
at most items x k times, whatever the size of the corpus. An encoder reads 36 turns a second on one core, four orders of
magnitude fewer than the n-gram rules: give it what they have left.
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from dialogue.chance import hash64
from dialogue.likeness import words
from dialogue.records import Dialogue
from filters.leaks.benchmark import Benchmark
from filters.leaks.encoder import Vectors
from filters.leaks.scan import Hit

RULE = "embedding-top-k"
TOP_K = 5
"""The rewrite is among the first 3 for 84 % of published ones, among 5 for 85 %, among 10 for 87 % of 1,830 turns."""
LEAST_COSINE = 0.70
"""all-MiniLM-L6-v2 puts 99 % of GSM8K's published rewrites above it, 64 % of HumanEval's, and 17 % of look-alikes."""
_BLOCK = 1024
"""Texts that are sorted by length and compared at once: 4 MB of cosines for every 1,000 items."""
_UNIT = 10_000
"""Cosines are compared in these parts: the last digits of a vector depend on what else was in its batch."""
_REMEMBERED = 1 << 20
"""Texts not encoded a second time: the latest million, 100 MB at the most."""


class Encoder(Protocol):
    """What turns texts into vectors."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(texts, dims), each of length 1."""


class Near(NamedTuple):
    """An item, and how near a text is to it."""

    cosine: float
    benchmark: str
    item: str


class Nearest:
    """The `k` texts of users that are nearest to each item, of those at least so near; its size is items x k."""

    def __init__(
        self, benchmarks: Sequence[Benchmark], encoder: Encoder, k: int = TOP_K, least_cosine: float = LEAST_COSINE
    ) -> None:
        asked = [(item, [text for text in item.question if words(text)]) for one in benchmarks for item in one.items]
        self._items = [(item, texts) for item, texts in asked if texts]
        self._encoder, self._k = encoder, k
        self._vectors = encoder.encode([text for _, texts in self._items for text in texts])
        counts = np.array([len(texts) for _, texts in self._items], np.intp)
        self._starts = np.cumsum(counts) - counts
        self._best: list[list[tuple[int, int]]] = [[] for _ in self._items]
        """(-cosine in units, hash of the text) of each item's nearest, nearest first."""
        self._floor = np.full(len(self._items), round(least_cosine * _UNIT), np.int32)
        self._seen: dict[int, None] = {}

    def add(self, dialogues: Iterable[Dialogue]) -> None:
        """Look at the user turns of these dialogues; the order in which they come changes nothing."""
        block: dict[int, str] = {}
        for key, text in self._new(dialogues):
            block[key] = text
            if len(block) == _BLOCK:
                self._compare(block)
                block = {}
        self._compare(block)

    def found(self) -> dict[int, tuple[Near, ...]]:
        """Of each text's hash that is among the nearest, the items to which it is, nearest first."""
        found: dict[int, list[Near]] = {}
        for (item, _), best in zip(self._items, self._best, strict=True):
            for minus, key in best:
                found.setdefault(key, []).append(Near(-minus / _UNIT, item.benchmark, item.id))
        return {key: tuple(sorted(near, key=lambda one: (-one.cosine, *one[1:]))) for key, near in found.items()}

    def _new(self, dialogues: Iterable[Dialogue]) -> Iterator[tuple[int, str]]:
        for dialogue in dialogues:
            for message in dialogue.messages:
                if message.role == "user" and (key := hash64(message.content)) not in self._seen:
                    self._seen[key] = None
                    if len(self._seen) > _REMEMBERED:
                        del self._seen[next(iter(self._seen))]
                    if words(message.content):
                        yield key, message.content

    def _compare(self, block: Mapping[int, str]) -> None:
        if not block or not self._items:
            return
        keys = list(block)
        cosines = self._vectors @ self._encoder.encode(list(block.values())).T
        units = np.rint(np.maximum.reduceat(cosines, self._starts, axis=0) * _UNIT).astype(np.int32)
        for row, column in np.argwhere(units >= self._floor[:, None]).tolist():
            self._place(row, -int(units[row, column]), keys[column])

    def _place(self, row: int, minus: int, key: int) -> None:
        best = self._best[row]
        if all(key != other for _, other in best):  # it may have been forgotten and come again
            insort(best, (minus, key))
            del best[self._k :]
        if len(best) == self._k:
            self._floor[row] = max(self._floor[row], -best[-1][0])


def hits(found: Mapping[int, tuple[Near, ...]], dialogue: Dialogue) -> list[Hit]:
    """The candidates in a dialogue, nearest item first: its user turns that are among the nearest to an item.

    `containment` is the cosine, and the span is the whole message: nothing is known of where in it the item lies.
    """
    pairs = [
        (near, at)
        for at, message in enumerate(dialogue.messages)
        if message.role == "user"
        for near in found.get(hash64(message.content), ())
    ]
    return [
        _hit(near, at, dialogue.messages[at].content) for near, at in sorted(pairs, key=lambda pair: -pair[0].cosine)
    ]


def _hit(near: Near, at: int, text: str) -> Hit:
    return Hit(
        near.benchmark,
        near.item,
        tier="candidate",
        rule=RULE,
        rules=(RULE,),
        part="question",
        message=at,
        span=(0, len(text)),
        span_words=len(words(text)),
        coverage=0.0,
        containment=near.cosine,
    )
