r"""The ways in which an item leaks, as functions of its text: what the self-test plants.

Each takes (text, chance, others): the item's text, a generator seeded for this plant, and words to put in place of
its own. Words are runs of `\w`, and single characters of scripts written without spaces.
"""

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple
from unicodedata import category

Kind = Callable[[str, random.Random, Sequence[str]], str]

_SINGLE = "\u0e01-\u0e3a\u0e40-\u0e4e\u3005\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"([^\W{_SINGLE}]+|[{_SINGLE}])")
_IS_SINGLE = re.compile(f"[{_SINGLE}]")
_MARKS = ",;:-!*"
_CASES: Sequence[Callable[[str], str]] = (str.upper, str.lower, str.title)
_DRAWS = 20


class Vocabulary(NamedTuple):
    """Words that come in the place of others, as often as they are used."""

    spaced: Sequence[str]
    single: Sequence[str]
    """Characters of scripts written without spaces."""

    def of(self, text: str) -> Sequence[str]:
        """Those in the kind of script that most of the text is in, else the others."""
        singles = sum(map(bool, map(_IS_SINGLE.match, _words(text))))
        first, second = (self.single, self.spaced) if 2 * singles > len(_words(text)) else self
        return first or second


def vocabulary(texts: Iterable[str]) -> Vocabulary:
    """The words of the texts, repeats included."""
    found = [word for text in texts for word in _words(text)]
    singles = [word for word in found if _IS_SINGLE.match(word)]
    return Vocabulary([word for word in found if not _IS_SINGLE.match(word)], singles)


def verbatim(text: str, chance: random.Random, others: Sequence[str]) -> str:
    """The text itself."""
    return text


def recased(text: str, chance: random.Random, others: Sequence[str]) -> str:
    """All in capitals, none, or one for each word; a third of the marks left out, a third replaced; white space evened.

    No word is joined or split by it.
    """
    parts = _WORD.split(text)
    parts[::2] = (_respaced(part, chance) for part in parts[::2])
    return chance.choice(_CASES)("".join(parts)).strip()


def _respaced(between: str, chance: random.Random) -> str:
    """What stands between two words; never nothing where something stood."""
    marks = "".join(_remarked(mark, chance) for mark in between if not mark.isspace())
    if any(map(str.isspace, between)):
        return marks + " "
    return marks or " " * bool(between)


def _remarked(mark: str, chance: random.Random) -> str:
    """Marks alone are changed: what combines with a letter is part of the word to its reader."""
    return chance.choice((mark, "", chance.choice(_MARKS))) if category(mark)[0] in "PS" else mark


def edited(share: float, text: str, chance: random.Random, others: Sequence[str]) -> str:
    """The text with that share of its words, one at least, changed to others; left out where no other is known."""
    parts = _WORD.split(text)
    places = range(1, len(parts), 2)
    for place in chance.sample(places, min(len(places), max(1, round(share * len(places))))):
        parts[place] = _another(parts[place], chance, others)
    return "".join(parts)


def _another(word: str, chance: random.Random, others: Sequence[str]) -> str:
    drawn = (chance.choice(others) for _ in range(_DRAWS if others else 0))
    found = next((other for other in drawn if other.lower() != word.lower()), "")
    return f" {found} " if _IS_SINGLE.match(word) and not _IS_SINGLE.match(found) else found


def truncated(text: str, chance: random.Random, others: Sequence[str]) -> str:
    """The first half of the words, one at least."""
    parts = _WORD.split(text)
    return "".join(parts[: 2 * max(1, len(parts) // 4)])


KINDS: Mapping[str, Kind] = {
    "verbatim": verbatim,
    "case_and_punctuation": recased,
    "edited_10": partial(edited, 0.10),
    "edited_25": partial(edited, 0.25),
    "truncated": truncated,
}


def _words(text: str) -> list[str]:
    return _WORD.findall(text)
