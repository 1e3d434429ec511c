"""What is kept of one block's texts: five arrays in a folder, which later runs with other thresholds read again.

signatures.npy  (texts, perms) uint32   MinHash, bit for bit datasketch's (scheme affine32, seed 1); in Fortran
                                        order, so that the rows of one band are one contiguous part of the file
grams.npy       (n-grams,) uint32       the texts' n-gram hashes one after another, for exact comparison
first.npy       (texts + 1,) int64      those of text i are grams[first[i]:first[i + 1]]
sets.npy        (texts,) uint64         equal for texts of the same n-grams
scores.npy      (texts,) float64        -inf where a text has none
near.json       scheme, seed, perms, ngram, documents
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from dialogue.errors import UsageError
from filters.kernels.grams import Grams
from filters.kernels.minhash import set_hashes, signatures, signed

VERSION = 1
"""Raised when the same texts come to give other arrays."""


def write(folder: Path, texts: Sequence[str], scores: Sequence[float | None], ngram: int, perms: int) -> None:
    """Sign the texts and write their arrays into the folder."""
    rows, grams = signed(texts, ngram, perms)
    sets = set_hashes(grams)
    for number in np.flatnonzero(np.diff(grams.first) == 0).tolist():  # no word in it: equal only to the same text
        sets[number] = xxh3_64_intdigest(texts[number].encode("utf-8", "surrogatepass"))
    write_arrays(folder, rows, grams, sets, as_scores(scores), ngram)


def write_grams(folder: Path, grams: Grams, ngram: int, perms: int) -> None:
    """The same for texts of which only the n-gram hashes are known."""
    rows, texts = signatures(grams, perms), len(grams.first) - 1
    write_arrays(folder, rows, grams, set_hashes(grams), np.full(texts, -np.inf), ngram)


def write_arrays(
    folder: Path,
    rows: NDArray[np.uint32],
    grams: Grams,
    sets: NDArray[np.uint64],
    scores: NDArray[np.float64],
    ngram: int,
) -> None:
    np.save(folder / "signatures.npy", np.asfortranarray(rows))
    np.save(folder / "grams.npy", grams.hashes)
    np.save(folder / "first.npy", grams.first)
    np.save(folder / "sets.npy", sets)
    np.save(folder / "scores.npy", scores)
    (folder / "near.json").write_bytes(orjson.dumps(_header(ngram, rows.shape[1]) | {"documents": len(rows)}))


def documents(folder: Path, ngram: int, perms: int) -> int:
    """How many texts the shard holds. Raises UsageError where it was made for another n or other signatures."""
    header = orjson.loads((folder / "near.json").read_bytes())
    held: int = header.pop("documents")
    if header != _header(ngram, perms):
        raise UsageError(f"{folder}: a shard of {header}, expected {_header(ngram, perms)}: prepare it again")
    return held


def as_scores(scores: Sequence[float | None]) -> NDArray[np.float64]:
    """The scores, -inf for one that is missing or not a number: the last to be preferred."""
    found = np.array([np.nan if score is None else score for score in scores], np.float64)
    found[np.isnan(found)] = -np.inf
    return found


def _header(ngram: int, perms: int) -> dict[str, int | str]:
    return {"version": VERSION, "scheme": "affine32", "seed": 1, "perms": perms, "ngram": ngram}
