"""The texts of all items that are looked for, as word hashes laid end to end.

A part is one question, turn, answer or passage. Of parts of one benchmark with the same words the first is kept: the
others' items are its twins.

Where a script has no spaces a word is one character, and thirteen of them say less than thirteen words. The n of a
rule is therefore multiplied by the characters that a word of that script takes, and rounded up: 13, 8 and 5 words are
21, 13 and 8 Chinese characters.

An answer of fewer than LEAST_ANSWER words is no part: "I do not have a partner" is said without having seen the item.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialogue.likeness import words
from filters.leaks.benchmark import Benchmark, Item
from filters.leaks.wording import Words, hashed

KINDS = ("question", "answer", "passage")
QUESTION, ANSWER, PASSAGE = range(3)
CHARACTERS_PER_WORD = (1.0, 1.6, 2.0, 4.0)
"""By script: with spaces, Han, Han with Kana, Thai. Rough means of running text."""
LEAST_ANSWER = 13
_KANA_SHARE = 0.2
"""Of a text's single characters, from which on it is Japanese."""


class Parts(NamedTuple):
    """All parts, in the order of benchmarks and items."""

    words: Words
    item: NDArray[np.int32]
    """(parts,) number of the item over all benchmarks."""
    benchmark: NDArray[np.int32]
    """(parts,) number of the benchmark."""
    kind: NDArray[np.int8]
    """(parts,) number in KINDS."""
    script: NDArray[np.int8]
    """(parts,) number in CHARACTERS_PER_WORD."""
    texts: tuple[str, ...]


def length(n: int, script: int) -> int:
    """The words of a script that say as much as n words of a language with spaces."""
    return math.ceil(n * CHARACTERS_PER_WORD[script])


def parts(benchmarks: Sequence[Benchmark]) -> Parts:
    """The distinct parts that hold a word."""
    listed = list(_listed(benchmarks))
    return Parts(
        hashed([text for *_, text in listed]),
        np.array([item for item, *_ in listed], np.int32),
        np.array([benchmark for _, benchmark, *_ in listed], np.int32),
        np.array([kind for _, _, kind, _ in listed], np.int8),
        np.array([script_of(words(text)) for *_, text in listed], np.int8),
        tuple(text for *_, text in listed),
    )


def _listed(benchmarks: Sequence[Benchmark]) -> Iterator[tuple[int, int, int, str]]:
    number = 0
    for place, benchmark in enumerate(benchmarks):
        seen: set[tuple[str, ...]] = set()
        for item in benchmark.items:
            for kind, text in _texts(item):
                key = tuple(words(text))
                least = length(LEAST_ANSWER, script_of(key)) if kind == ANSWER else 1
                if len(key) >= least and key not in seen:
                    seen.add(key)
                    yield number, place, kind, text
            number += 1


def _texts(item: Item) -> Iterator[tuple[int, str]]:
    yield from ((0, text) for text in item.question)
    yield from ((1, text) for text in item.answer)
    if item.passage is not None:
        yield 2, item.passage


def script_of(found: Sequence[str]) -> int:
    """The script of these words, as a number in CHARACTERS_PER_WORD."""
    single = [word for word in found if len(word) == 1 and word >= "\u0e01" and not "\uac00" <= word <= "\ud7a3"]
    if 2 * len(single) <= len(found):
        return 0
    if sum(word < "\u0e80" for word in single) * 2 > len(single):
        return 3
    kana = sum("\u3041" <= word <= "\u30ff" or "\uff66" <= word <= "\uff9d" for word in single)
    return 2 if kana >= _KANA_SHARE * len(single) else 1
