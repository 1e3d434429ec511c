"""Signatures as datasketch's own objects, out of a shard and into an array: what other tools know how to read."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from datasketch import MinHash
from numpy.typing import NDArray
from xxhash import xxh64_intdigest

_SCHEME, _SEED = "affine32", 1


def hash32(gram: bytes) -> int:
    """The hash of an n-gram's words, joined by spaces: the `hashfunc` with which a MinHash continues a signature."""
    return xxh64_intdigest(gram) & 0xFFFFFFFF


def minhashes(folder: Path, texts: Sequence[int] | None = None) -> Iterator[MinHash]:
    """A MinHash for each of a shard's texts, or of those texts of it."""
    rows = np.load(folder / "signatures.npy", mmap_mode="r")
    empty = MinHash(rows.shape[1], seed=_SEED, scheme=_SCHEME, hashfunc=hash32)
    for text in range(len(rows)) if texts is None else texts:
        sketch = empty.copy()
        sketch.hashvalues = np.array(rows[text])
        yield sketch


def signatures(minhashes: Sequence[MinHash]) -> NDArray[np.uint32]:
    """(minhashes, perms) as in signatures.npy. Raises ValueError for a MinHash of another scheme, seed or length.

    Which hash function they were made with a MinHash cannot tell: it must have been `hash32` on the same n-grams.
    """
    perms = len(minhashes[0]) if minhashes else 0
    for number, sketch in enumerate(minhashes):
        if (sketch.scheme, sketch.seed, len(sketch)) != (_SCHEME, _SEED, perms):
            found = f"scheme {sketch.scheme!r}, seed {sketch.seed}, {len(sketch)} permutations"
            raise ValueError(f"minhashes[{number}]: {found}, expected {_SCHEME!r}, {_SEED}, {perms}")
    return np.array([sketch.hashvalues for sketch in minhashes], np.uint32).reshape(len(minhashes), perms)
