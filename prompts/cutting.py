"""A text too long for its room, cut at the end of a sentence: what is left is its beginning, word for word.

Room is counted in tokens by a rule of thumb, four letters or one Chinese character to a token: what a model's own
tokenizer would say depends on the model, and on whether its vocabulary can be loaded, and a cut may depend on neither.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence

LEAST = 0.25
"""Share of the room that a cut at a sentence end has to fill; where there is no such end, the cut is between words."""

LETTERS = 4
"""Letters to a token."""

TITLE = 12
"""Characters within which a title or an initial stands before its full stop."""

# A mark, what closes with it, and then a space, for marks that stand in figures and names as well; or a line's end.
_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？；]+[”’」』）】]*|(?<=\S)(?=\s*\n)")
_NO_END = re.compile(r"(?:\b[A-Z]|\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|vs|e\.g|i\.e|cf|Fig|Inc|Ltd|Jr|Sr|approx))\.$")
_GAP = re.compile(r"\s+|(?<=[\u3400-\u9fff\u3040-\u30ff])")


def tokens(text: str) -> int:
    """About how many tokens a text has: a quarter of its letters; one for a character of three bytes and more."""
    more = 0 if text.isascii() else len(text.encode("utf-8", "surrogatepass")) - len(text)
    return -(-(2 * len(text) + 3 * more) // (2 * LETTERS))


def cut(text: str, most: int) -> str:
    """The text if it has at most so many tokens, else its longest beginning within them that ends as a sentence does.

    Where no sentence ends in the last three quarters of the room, the cut is between words, and where nothing parts
    those, between characters. Raises ValueError for a room of no tokens.
    """
    if most < 1:
        raise ValueError(f"room for {most} tokens")
    if tokens(text) <= most:
        return text
    room = text[: most * LETTERS]  # no more than that can be within
    # Titles are looked for in the last few characters: a search of all that stands before would take a square of time.
    ends = [match.end() for match in _END.finditer(text, 0, len(room) + TITLE)]
    whole = _longest(room, [end for end in ends if not _NO_END.search(text[max(0, end - TITLE) : end])], most)
    if tokens(whole) >= LEAST * most:
        return whole
    gaps = [match.start() for match in _GAP.finditer(room)]
    return _longest(room, gaps, most) or _longest(room, range(len(room) + 1), most)


def _longest(text: str, places: Sequence[int], most: int) -> str:
    """The text up to the last of the places before which there are at most so many tokens."""
    found = bisect_right(places, most, key=lambda place: tokens(text[:place]) if place <= len(text) else most + 1)
    return text[: places[found - 1]].rstrip() if found else ""
