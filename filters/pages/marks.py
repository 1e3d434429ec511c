"""Which words of two texts to mark: those that differ, or the longest run that both have."""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import NamedTuple

from filters.pages.texts import Span

MOST_WORDS = 1200
"""Compared of each dialogue."""

MOST_PAIRS = 30_000
"""Pairs of equal words up to which frequent words are matched for themselves, not only beside rarer ones."""

TELLING_LETTERS = 4
"""Of a word that is worth a mark for itself."""
_SINGLE = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[^\W{_SINGLE}]+|[{_SINGLE}]")


class Word(NamedTuple):
    """A word, and where it stands."""

    word: str
    text: int
    start: int
    end: int


def differing(one: Sequence[str], other: Sequence[str]) -> tuple[list[list[Span]], list[list[Span]]]:
    """For each text of both dialogues the spans of words that the other dialogue lacks at that place."""
    mine, theirs = _words(one), _words(other)
    blocks = _matcher(mine, theirs).get_matching_blocks()
    return (
        _outside(mine, [(block.a, block.a + block.size) for block in blocks], len(one)),
        _outside(theirs, [(block.b, block.b + block.size) for block in blocks], len(other)),
    )


def common_run(text: str, other: str) -> Span | None:
    """Where in `other` the longest run of words stands that `text` has as well; None where they share no word."""
    mine, theirs = _words([text]), _words([other])
    found = _matcher(mine, theirs).find_longest_match()
    return (theirs[found.b].start, theirs[found.b + found.size - 1].end) if found.size else None


def shared(text: str, other: str) -> tuple[list[Span], list[Span]]:
    """Where in each text the words stand that both have: those of four letters or more, numbers, and Chinese ones."""
    mine, theirs = _words([text]), _words([other])
    both = {word.word for word in mine} & {word.word for word in theirs}
    telling = {
        word for word in both if len(word) >= TELLING_LETTERS or word.isdecimal() or re.match(f"[{_SINGLE}]", word)
    }
    one, two = ([(word.start, word.end) for word in side if word.word in telling] for side in (mine, theirs))
    return one, two


def places(text: str, needle: str) -> list[Span]:
    """Where the needle stands in the text, in any case; at most 20 places."""
    if not needle.strip():
        return []
    found = re.finditer(re.escape(needle.strip()), text, re.IGNORECASE)
    return [match.span() for match, _ in zip(found, range(20), strict=False)]


def _words(texts: Sequence[str]) -> list[Word]:
    found: list[Word] = []
    for number, text in enumerate(texts):
        for match in _WORD.finditer(text):
            found.append(Word(match[0].casefold(), number, *match.span()))
            if len(found) == MOST_WORDS:
                return found
    return found


def _matcher(mine: Sequence[Word], theirs: Sequence[Word]) -> SequenceMatcher[str]:
    """A matcher whose work is bounded, also for a text that is one word a thousand times."""
    one, other = ([word.word for word in side] for side in (mine, theirs))
    often = Counter(other)
    pairs = sum(often[word] for word in one)
    return SequenceMatcher(None, one, other, autojunk=pairs > MOST_PAIRS)


def _outside(words: Sequence[Word], same: Sequence[tuple[int, int]], texts: int) -> list[list[Span]]:
    """The spans of runs of words between the ranges `same`, by text."""
    spans: list[list[Span]] = [[] for _ in range(texts)]
    for (_, start), (end, _) in pairwise([(0, 0), *same, (len(words), len(words))]):
        for word in words[start:end]:
            last = spans[word.text]
            joined = last and word is not words[start] and last[-1][1] <= word.start
            if joined:
                last[-1] = last[-1][0], word.end
            else:
                last.append((word.start, word.end))
    return spans
