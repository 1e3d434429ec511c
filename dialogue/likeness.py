"""How alike two texts are: word n-grams, their Jaccard similarity, and the MinHash signatures that estimate it.

A shingle is the low 32 bits of XXH64 of n words joined by a space. Signatures are, bit for bit, those of datasketch 2:
`MinHash(num_perm=perms, seed=1, scheme="affine32", hashfunc=lambda b: xxh64(b) & 0xffffffff)`. datasketch itself is
not imported here, because it brings scipy, 50 MB. Who looks for near duplicates among many
texts and what a signature of so many rows can promise is said where that is done, in `near.py` for openers.
"""

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh64_intdigest

Hashes = NDArray[np.uint32]

# Scripts that put no space between words: Han, Hiragana, Katakana (full and half width), Thai. Hangul does put them.
_SINGLE = (
    "\u3005\u3007\u3021-\u3029\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff\u0e01-\u0e3a\u0e40-\u0e4e"
)
_WORDS = re.compile(rf"[^\W{_SINGLE}]+|[{_SINGLE}]").findall
# What `_WORDS` does to lower-cased ASCII, as a table from byte to byte for split(): three times as fast.
_ASCII = bytes(ord(c.lower()) if c.isalnum() or c == "_" else 32 for c in map(chr, range(128))).ljust(256, b" ")

_LOW = 0xFFFFFFFF
_BLOCK = 1 << 19
"""Permuted values held at once, 2 MB of them: they stay in a core's cache, and memory does not grow with the input."""


def words(text: str) -> list[str]:
    r"""The text's words in lower case: runs of `\w`, and single characters of scripts written without spaces."""
    found: list[str] = _WORDS(text.lower())
    return found


def _encoded_words(text: str) -> list[bytes]:
    if text.isascii():
        return text.encode().translate(_ASCII).split()
    return [word.encode("utf-8", "surrogatepass") for word in words(text)]


def ngrams(text: str, n: int) -> list[int]:
    """The hashes of the text's n-grams in their order, repeats included.

    A text of fewer than n words has one n-gram, all of it; a text without words has none.
    """
    found = _encoded_words(text)
    if 0 < len(found) < n:
        return [xxh64_intdigest(b" ".join(found)) & _LOW]
    # Join and hash is 0.35 us an n-gram; slices of the joined run, which spare the join, take twice that.
    grams = zip(*(found[i:] for i in range(n)), strict=False)
    return [xxh64_intdigest(b" ".join(gram)) & _LOW for gram in grams]


def shingles(text: str, n: int) -> Hashes:
    """The text's distinct n-gram hashes, ascending; empty where the text has no word."""
    distinct = set(ngrams(text, n))
    hashes = np.fromiter(distinct, np.uint32, len(distinct))
    hashes.sort()
    return hashes


def jaccard(a: str, b: str, n: int) -> float:
    """The share of the two texts' n-grams that both have; two texts without a word are alike, 1.0."""
    left, right = set(ngrams(a, n)), set(ngrams(b, n))
    both = len(left & right)
    union = len(left) + len(right) - both
    return both / union if union else 1.0


@cache
def _permutations(perms: int) -> tuple[Hashes, Hashes]:
    """datasketch's odd multipliers and addends for seed 1, each (perms,) uint32."""
    draw = np.random.RandomState(1)
    multipliers = draw.randint(0, 1 << 31, perms, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return multipliers, draw.randint(0, 1 << 32, perms, dtype=np.uint32)


def permuted(hashes: Hashes, perms: int) -> Hashes:
    """The hashes under each permutation, (len(hashes), perms) uint32; a signature is the least of each column."""
    mixed = hashes ^ (hashes >> np.uint32(16))  # MurmurHash3's finaliser; products wrap, which is the modulo
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    multipliers, addends = _permutations(perms)
    values: Hashes = mixed[:, None] * multipliers
    values += addends
    return values


def signatures(sets: Sequence[Hashes], perms: int) -> Hashes:
    """MinHash signatures of the shingle sets, (len(sets), perms) uint32; an empty set's row is all 0xffffffff."""
    signed = np.full((len(sets), perms), _LOW, np.uint32)
    rows = max(1, _BLOCK // perms)
    number = 0
    while number < len(sets):
        first, held = number, 0
        while number < len(sets) and (held + len(sets[number]) <= rows or number == first):
            held += len(sets[number])
            number += 1
        if number == first + 1 and held > rows:
            _sign_long(sets[first], signed[first], rows)
        elif held:
            _sign_many(sets[first:number], signed[first:number])
    return signed


def _sign_long(hashes: Hashes, row: Hashes, rows: int) -> None:
    for at in range(0, len(hashes), rows):
        np.minimum(row, permuted(hashes[at : at + rows], len(row)).min(axis=0), out=row)


def _sign_many(sets: Sequence[Hashes], signed: Hashes) -> None:
    lengths = np.fromiter(map(len, sets), np.intp, len(sets))
    full = lengths > 0  # reduceat would give an empty set its neighbour's first hash
    starts = (np.cumsum(lengths) - lengths)[full]
    signed[full] = np.minimum.reduceat(permuted(np.concatenate(sets), signed.shape[1]), starts, axis=0)
