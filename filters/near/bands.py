"""Who meets whom in a band: the keys of all documents that are looked at, sorted, 8 bytes each.

A key's high bits are a hash of the band's rows, its low bits the document's place among those that are looked at; so
one sort in place brings those of one bucket together. Two texts of different rows share a bucket by chance: with 2^20
documents 44 bits of hash are left, and that befalls one pair in 30 bands.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from filters.kernels.jit import jit
from filters.near.documents import Documents, Numbers
from filters.near.shape import Shape

SKETCH = 64
"""Bytes of a sketch: the low 8 bits of the first 64 rows of a signature, or of as many as there are."""


@dataclass(frozen=True, slots=True)
class Field:
    """The documents that are looked at, in an order of their own."""

    documents: Documents
    numbers: Numbers
    """(places,) the document at each place."""
    earlier: NDArray[np.bool_]
    """(places,) earlier data, which is not compared with itself."""
    real: int
    """The places behind these are of planted copies, which must not change what is decided of the others."""
    sketches: NDArray[np.uint8]
    """(places, SKETCH)"""

    @property
    def bits(self) -> int:
        """The low bits of a key that hold its place."""
        return max(1, (len(self.numbers) - 1).bit_length())

    def places(self) -> NDArray[np.int32]:
        """(documents,) where each document stands, -1 where it is not looked at."""
        found = np.full(len(self.documents), -1, np.int32)
        found[self.numbers] = np.arange(len(self.numbers), dtype=np.int32)
        return found

    def with_sketches(self, perms: int) -> "Field":
        """The same with the sketches read."""
        return replace(self, sketches=_sketches(self.documents, self.places(), len(self.numbers), perms))

    def part(self, chosen: Numbers, real: int) -> "Field":
        """Some places, in another order."""
        return Field(self.documents, self.numbers[chosen], self.earlier[chosen], real, self.sketches[chosen])


def buckets(field: Field, places: NDArray[np.int32], shape: Shape, band: int) -> NDArray[np.uint64]:
    """The sorted keys of one band: those of equal high bits are a bucket, its members in the order of their places."""
    keys = np.empty(len(field.numbers), np.uint64)
    low = band * shape.rows
    for first, rows in field.documents.columns(low, low + shape.rows):
        _key(rows, places[first : first + rows.shape[1]], np.uint64(field.bits), keys)
    keys.sort()
    return keys


def _sketches(documents: Documents, places: NDArray[np.int32], count: int, perms: int) -> NDArray[np.uint8]:
    """The sketches of the documents that have a place, by place.

    Each byte agrees with probability J + (1 - J) / 256: a comparison of 10 ns that spares most exact ones, of 500.
    """
    found = np.zeros((count, min(SKETCH, perms)), np.uint8)
    for first, rows in documents.columns(0, found.shape[1]):
        here = places[first : first + rows.shape[1]]
        looked_at = here >= 0
        found[here[looked_at]] = rows.astype(np.uint8).T[looked_at]
    return found


@jit
def _key(rows: NDArray[np.uint32], places: NDArray[np.int32], bits: np.uint64, keys: NDArray[np.uint64]) -> None:
    """Fill in the keys of one shard's documents: the rows under splitmix64, one after another."""
    for text in range(rows.shape[1]):
        if places[text] < 0:
            continue
        value = np.uint64(0)
        for row in range(rows.shape[0]):
            value += np.uint64(rows[row, text]) + np.uint64(0x9E3779B97F4A7C15)
            value = (value ^ value >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
            value = (value ^ value >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
            value ^= value >> np.uint64(31)
        keys[places[text]] = value >> bits << bits | np.uint64(places[text])
