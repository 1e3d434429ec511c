"""The documents of all shards, numbered from 0 over the shards in order, and read from disk as they are needed."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from filters.kernels.grams import Grams
from filters.kernels.jit import jit
from filters.near.shards import documents

Numbers = NDArray[np.int64]
Scalar = TypeVar("Scalar", bound=np.generic)


class Documents:
    """Shards seen as one; 4 bytes a document are held.

    Arrays are memory-mapped for one part at a time only: a page that was read counts as resident until it is unmapped.
    """

    def __init__(self, folders: Sequence[Path], ngram: int, perms: int) -> None:
        self._folders = folders
        sizes = [documents(folder, ngram, perms) for folder in folders]
        self.first: Numbers = np.cumsum([0, *sizes], dtype=np.int64)
        """(shards + 1,) documents of shard i are first[i]:first[i + 1]."""
        self.sizes: NDArray[np.int32] = joined(map(self._counted, self._shards), np.int32)
        """(documents,) n-grams of each, repeats included."""
        self._offsets = [np.load(folder / "signatures.npy", mmap_mode="r").offset for folder in folders]

    def __len__(self) -> int:
        return int(self.first[-1])

    def sets(self) -> NDArray[np.uint64]:
        """(documents,) equal for texts of the same n-grams."""
        return joined((self._open(shard, "sets", np.uint64) for shard in self._shards), np.uint64)

    def scores(self, numbers: Numbers) -> NDArray[np.float64]:
        """The scores of these documents, ascending; -inf where there is none."""
        found = np.empty(len(numbers))
        for shard, part in self._by_shard(numbers):
            found[part] = self._open(shard, "scores", np.float64)[numbers[part] - self.first[shard]]
        return found

    def grams(self, numbers: Numbers) -> Grams:
        """The n-grams of these documents, ascending, in order with their repeats."""
        first = np.zeros(len(numbers) + 1, np.int64)
        np.cumsum(self.sizes[numbers], out=first[1:])
        hashes = np.empty(first[-1], np.uint32)
        for shard, part in self._by_shard(numbers):
            starts = np.array(self._open(shard, "first", np.int64)[numbers[part] - self.first[shard]])
            _copy(self._open(shard, "grams", np.uint32), starts, first[part.start : part.stop + 1], hashes)
        return Grams(hashes, first)

    def columns(self, low: int, high: int) -> Iterator[tuple[int, NDArray[np.uint32]]]:
        """Columns low:high of the signatures, shard by shard: its first document, and an array (columns, documents)."""
        for shard in self._shards:
            size = int(self.first[shard + 1] - self.first[shard])
            path, offset = self._folders[shard] / "signatures.npy", self._offsets[shard] + 4 * low * size
            rows = np.fromfile(path, np.uint32, (high - low) * size, offset=offset)
            yield int(self.first[shard]), rows.reshape(high - low, size)

    @property
    def _shards(self) -> range:
        return range(len(self._folders))

    def _counted(self, shard: int) -> NDArray[np.int32]:
        return np.diff(self._open(shard, "first", np.int64)).astype(np.int32)

    def _open(self, shard: int, name: str, kind: type[Scalar]) -> NDArray[Scalar]:
        found = np.asarray(np.load(self._folders[shard] / f"{name}.npy", mmap_mode="r"))
        assert found.dtype == kind
        return found

    def _by_shard(self, numbers: Numbers) -> Iterator[tuple[int, slice]]:
        bounds = np.searchsorted(numbers, self.first)
        for shard in np.flatnonzero(np.diff(bounds)).tolist():
            yield shard, slice(int(bounds[shard]), int(bounds[shard + 1]))


def joined(parts: Iterable[NDArray[Scalar]], kind: type[Scalar]) -> NDArray[Scalar]:
    """The arrays one after another, empty where there are none."""
    return np.concatenate([np.empty(0, kind), *parts])


@jit
def _copy(
    source: NDArray[np.uint32], starts: NDArray[np.int64], first: NDArray[np.int64], hashes: NDArray[np.uint32]
) -> None:
    """Fill hashes[first[i]:first[i + 1]] with what stands in the source from starts[i] on."""
    for text in range(len(starts)):
        offset = starts[text] - first[text]
        for place in range(first[text], first[text + 1]):
            hashes[place] = source[place + offset]
