"""A text too long for its room, cut at the end of a sentence: what is left is its beginning, word for word."""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence

from dialogue.likeness import words

LEAST = 0.25
"""Share of the room that a cut at a sentence end has to fill; where there is no such end, the cut is between words."""

# A mark, what closes with it, and then a space, for marks that stand in figures and names as well; or a line's end.
_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？；]+[”’」』）】]*|(?<=\S)(?=\s*\n)")
_NO_END = re.compile(r"(?:\b[A-Z]|\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|vs|e\.g|i\.e|cf|Fig|Inc|Ltd|Jr|Sr|approx))\.$")
_GAP = re.compile(r"\s+|(?<=[\u3400-\u9fff\u3040-\u30ff])")


def cut(text: str, most: int) -> str:
    """The text if it has at most so many words, else its longest beginning within them that ends as a sentence does.

    A Chinese character is a word. Where no sentence ends in the last three quarters of the room, the cut is between
    words. Raises ValueError for a room of no words.
    """
    if most < 1:
        raise ValueError(f"room for {most} words")
    if len(words(text)) <= most:
        return text
    ends = [match.end() for match in _END.finditer(text) if not _NO_END.search(text, 0, match.end())]
    whole = _longest(text, ends, most)
    if len(words(whole)) >= LEAST * most:
        return whole
    return _longest(text, [match.start() for match in _GAP.finditer(text)], most)


def _longest(text: str, places: Sequence[int], most: int) -> str:
    """The text up to the last of the places before which there are at most so many words."""
    count: Callable[[int], int] = lambda place: len(words(text[:place]))  # noqa: E731 - the key of a bisection
    found = bisect_right(places, most, key=count)
    return text[: places[found - 1]].rstrip() if found else ""
