"""Near duplicates among texts in memory: for notebooks, benches and tests."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filters.engine.base import Copies, Shard
from filters.near_duplicates import NearDuplicates

_BLOCK = 4096
"""Texts prepared at once."""


class Texts:
    """A corpus of texts, prepared in shards of a temporary folder."""

    def __init__(self, texts: Sequence[str], ids: Sequence[str], shards: Sequence[Shard]) -> None:
        self.shards = shards
        self._texts, self._ids = texts, ids

    def ids(self, numbers: NDArray[np.int64]) -> list[str]:
        """The ids of these documents."""
        return [self._ids[number] for number in numbers.tolist()]

    def texts(self, numbers: NDArray[np.int64]) -> list[str]:
        """The texts of these documents."""
        return [self._texts[number] for number in numbers.tolist()]


def near_duplicates(
    texts: Sequence[str],
    *,
    threshold: float = 0.7,
    ids: Sequence[str] | None = None,
    scores: Sequence[float | None] | None = None,
    block: int = _BLOCK,
    **settings: Any,
) -> Copies:
    """The copies among the texts; `settings` are those of NearDuplicates.

    Of copies the one with the highest score is kept, else that of the smallest id; by default the first.
    """
    ids = [f"{number:012}" for number in range(len(texts))] if ids is None else ids
    scores = [None] * len(texts) if scores is None else scores
    looked_for = NearDuplicates(threshold=threshold, **settings)
    with TemporaryDirectory(prefix="near-") as folder:
        shards = prepared(looked_for, texts, scores, Path(folder), block)
        return looked_for.decide(Texts(texts, ids, shards))


def prepared(
    looked_for: NearDuplicates,
    texts: Sequence[str],
    scores: Sequence[float | None],
    folder: Path,
    block: int = _BLOCK,
) -> list[Shard]:
    """The texts' shards, written into the folder."""
    shards = []
    for start in range(0, len(texts), block):
        part = slice(start, start + block)
        shard = Shard(folder / str(start), np.ones(len(texts[part]), np.bool_), earlier=False)
        shard.folder.mkdir()
        looked_for.prepare(texts[part], scores[part], shard.folder)
        shards.append(shard)
    return shards
