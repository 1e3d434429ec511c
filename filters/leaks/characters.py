"""The rule of GPT-4's report: spaces and symbols dropped, three random substrings of each item, any of them found.

Substrings are compared as hashes of their characters. Of an item that is shorter than n the whole is looked for, so
there is one pass over each text for every length up to n; this is by far the dearest rule, and there to be compared.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialogue.chance import rng
from filters.leaks.hashing import Table, lookup, rolled, table
from filters.leaks.wording import Hashes, Numbers, Words

SUBSTRINGS = 3
_DROPPED = re.compile(r"[\W_]+")
_SPREAD = np.uint64(0x9E3779B185EBCA87)


class Substrings(NamedTuple):
    """The substrings of one length."""

    length: int
    table: Table
    limits: Numbers
    """Substring s is of the parts postings[limits[s]:limits[s + 1]]."""
    postings: NDArray[np.int64]


def substrings(texts: Sequence[str], n: int) -> list[Substrings]:
    """The substrings of n characters of the texts, and all of what is shorter; the same in every run."""
    drawn: dict[int, list[tuple[int, str]]] = {}
    for number, text in enumerate(texts):
        bare = _DROPPED.sub("", text)
        chance = rng("gpt4-50-characters", n, bare)
        last = max(0, len(bare) - n)
        for start in {chance.randint(0, last) for _ in range(SUBSTRINGS)} if bare else ():
            drawn.setdefault(min(n, len(bare)), []).append((number, bare[start : start + n]))
    return [_substrings(length, found) for length, found in sorted(drawn.items())]


def _substrings(length: int, found: Sequence[tuple[int, str]]) -> Substrings:
    hashes = rolled(_characters([text for _, text in found]), length)[::length]
    order = np.argsort(hashes, kind="stable")
    keys, limits = np.unique(hashes[order], return_index=True)
    parts = np.array([part for part, _ in found], np.int64)[order]
    return Substrings(length, table(keys, np.arange(len(keys), dtype=np.int32)), np.append(limits, len(parts)), parts)


def pairs(wanted: Sequence[Substrings], texts: Sequence[str]) -> Numbers:
    """(pairs, 2) text and part, where a substring of the part stands in the text."""
    said = _characters([_DROPPED.sub("", text) for text in texts])
    found: set[tuple[int, int]] = set()
    for one in wanted:
        numbers = lookup(rolled(said, one.length), one.table)
        for place in np.flatnonzero(numbers >= 0).tolist():
            text = int(np.searchsorted(said.first, place, side="right")) - 1
            substring = numbers[place]
            found |= {(text, int(part)) for part in one.postings[one.limits[substring] : one.limits[substring + 1]]}
    return np.array(sorted(found), np.int64).reshape(-1, 2)


def _characters(texts: Sequence[str]) -> Words:
    """The characters of the texts as hashes."""
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    hashes: Hashes = (points.astype(np.uint64) + np.uint64(1)) * _SPREAD
    first = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=first[1:])
    return Words(hashes, hashes, first)
