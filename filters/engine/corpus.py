"""The whole corpus as corpus filters see it: numbered documents over the blocks' prepared shards."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from filters.engine.base import Copies, CorpusFilter, Shard
from filters.engine.block_walk import BlockWalk, CopyOf, opened
from filters.engine.blocks import Block
from filters.engine.chain import Step
from filters.engine.info import Info


class PreparedCorpus:
    """The documents that were prepared for one corpus filter."""

    def __init__(
        self,
        filter: CorpusFilter,
        blocks: Sequence[Block],
        shards: Sequence[Shard],
        steps: Sequence[Step],
        copies: Sequence[Mapping[int, Mapping[int, CopyOf]]],
        format: str | None,
        cache: Path,
        first_lines: Sequence[int],
    ) -> None:
        """`first_lines` has the number in its file, from 1, of each block's first line."""
        self.shards = shards
        self._filter, self._blocks, self._steps, self._copies = filter, blocks, steps, copies
        self._format, self._cache, self._first_lines = format, cache, first_lines
        self.first: NDArray[np.int64] = np.cumsum([0, *(len(shard.alive) for shard in shards)])
        """(shards + 1,): documents of shard i are first[i]:first[i + 1]."""

    def ids(self, numbers: NDArray[np.int64]) -> list[str]:
        """The ids of these documents."""
        found = [""] * len(numbers)
        for shard, places, rows in self._by_shard(numbers):
            ids = self._info(shard).ids
            for place, row in zip(places, rows, strict=True):
                found[place] = ids[row]
        return found

    def at(self, numbers: NDArray[np.int64]) -> list[str]:
        """Where these documents stand, as `path:line`."""
        found = [""] * len(numbers)
        for shard, places, rows in self._by_shard(numbers):
            block, lines, first = self._blocks[shard], self._info(shard).lines, self._first_lines[shard]
            for place, row in zip(places, rows, strict=True):
                found[place] = block.place(first + (lines[row] if lines else row))
        return found

    def sources(self, numbers: NDArray[np.int64]) -> list[str | None]:
        """The files of those of these documents that are earlier data; None for the others."""
        shards = (np.searchsorted(self.first, numbers, side="right") - 1).tolist()
        return [self._blocks[shard].name if self._blocks[shard].earlier else None for shard in shards]

    def texts(self, numbers: NDArray[np.int64]) -> list[str]:
        """The texts of these documents, as `prepare` got them."""
        found = [""] * len(numbers)
        for shard, places, rows in self._by_shard(numbers):
            block = self.walked(shard)
            for place, row in zip(places, rows, strict=True):
                found[place] = block.row(row).text(self._filter.level)
        return found

    def walked(self, shard: int) -> BlockWalk:
        """The block behind a shard, edited as it was when it was prepared."""
        block = self._walk(shard)
        if not self._blocks[shard].earlier:
            block.apply(self._steps, self._copies[shard])
        return block

    def place(self, number: int) -> tuple[int, int]:
        """Shard and row of a document."""
        shard, _, rows = next(self._by_shard(np.array([number])))
        return shard, rows[0]

    def rows(self, shard: int) -> NDArray[np.int64]:
        """The row of each document of a shard."""
        rows: NDArray[np.int64] = np.load(self.shards[shard].folder / "rows.npy")
        return rows

    def _info(self, shard: int) -> Info:
        """What is known of a shard's block; a shard lies in the block's folder."""
        known = Info.read(self.shards[shard].folder.parent)
        return self._walk(shard).info if known is None else known

    def _walk(self, shard: int) -> BlockWalk:
        return opened(self._blocks[shard], self._format, self._cache)

    def _by_shard(self, numbers: NDArray[np.int64]) -> Iterator[tuple[int, list[int], list[int]]]:
        """Shard, places in `numbers`, and rows in the shard's block, for each shard that is asked for."""
        shards = np.searchsorted(self.first, numbers, side="right") - 1
        order = np.argsort(shards, kind="stable")
        ends = np.flatnonzero(np.diff(shards[order], append=-1)) + 1
        start = 0
        for end in ends.tolist():
            places = order[start:end]
            shard = int(shards[places[0]])
            rows = self.rows(shard)[numbers[places] - self.first[shard]]
            yield shard, places.tolist(), rows.tolist()
            start = end


def by_block(corpus: PreparedCorpus, copies: Copies) -> list[dict[int, CopyOf]]:
    """For each shard the rows that are copies; earlier data is never dropped."""
    made = _copies(corpus, copies)
    bounds = np.searchsorted(copies.dropped, corpus.first)
    found: list[dict[int, CopyOf]] = []
    for shard in range(len(corpus.shards)):
        part = slice(int(bounds[shard]), int(bounds[shard + 1]))
        if part.start == part.stop:
            found.append({})
            continue
        rows = corpus.rows(shard)[copies.dropped[part] - corpus.first[shard]].tolist()
        found.append(dict(zip(rows, made[part], strict=True)))
    return found


def _copies(corpus: PreparedCorpus, copies: Copies) -> list[CopyOf]:
    """What is told of each copy; where both bear one id, which says nothing, where they stand."""
    kept, place = np.unique(copies.kept, return_inverse=True)
    ids, sources, of = corpus.ids(kept), corpus.sources(kept), place.tolist()
    found = [
        CopyOf(ids[k], similarity, number, sources[k])
        for k, similarity, number in zip(of, copies.similarity.tolist(), copies.kept.tolist(), strict=True)
    ]
    same = [number for number, id in enumerate(corpus.ids(copies.dropped)) if id == found[number].kept]
    both = zip(corpus.at(copies.kept[same]), corpus.at(copies.dropped[same]), strict=True)
    for number, places in zip(same, both, strict=True):
        found[number] = found[number]._replace(places=places)
    return found
