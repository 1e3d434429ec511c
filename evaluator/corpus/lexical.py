"""How varied the words of a text are: TTR, MTLD, HD-D and MATTR, to the figures of LexicalRichness 0.5.1.

Libraries disagree on MTLD (46.79, 48.01, 49.42 on the same 57 words) by how they count the last, unfinished factor;
this is LexicalRichness's way, which published figures of dialogue data rest on. Words go in as numbers or as strings.
"""

import math
import string
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

from dialogue.tongues import words_of

THRESHOLD = 0.72
"""The type-token ratio at which a factor of MTLD ends (McCarthy and Jarvis 2010)."""
DRAWS = 42
"""Words drawn for HD-D."""
WINDOW = 50
"""Words of MATTR's window."""
LEAST_WORDS = 50
"""A text of fewer has no stable MTLD."""

_MARKS = str.maketrans(dict.fromkeys(string.punctuation, " ") | {"-": None, "’": " "} | dict.fromkeys(string.digits))


def lexical_words(text: str) -> list[str]:
    """The words as LexicalRichness has them: lower case, digits and hyphens deleted, other marks as blanks.

    Chinese and kana characters, which no space separates, are words of their own; marks beyond ASCII are blanks too.
    """
    low = text.lower().translate(_MARKS)
    return low.split() if low.isascii() else words_of(low)


def ttr(words: Sequence[Hashable]) -> float:
    """The share of different words; 0.0 for none."""
    return len(set(words)) / len(words) if words else 0.0


def mtld(words: Sequence[Hashable], threshold: float = THRESHOLD) -> float:
    """The mean length of runs that keep a type-token ratio above the threshold, forwards and backwards averaged."""
    if not words:
        return 0.0
    return (_one_way(words, len(words), threshold) + _one_way(reversed(words), len(words), threshold)) / 2


def _one_way(words: Iterable[Hashable], total: int, threshold: float) -> float:
    factors = 0.0
    types: set[Hashable] = set()
    tokens, ratio = 0, 1.0
    for word in words:
        tokens += 1
        types.add(word)
        ratio = len(types) / tokens
        if ratio <= threshold:
            factors += 1
            tokens = 0
            types.clear()
    if tokens:
        factors += (1 - ratio) / (1 - threshold)
    # where no word stands twice there is not even a part of a factor: the text counts as one
    return total / (factors or 1.0)


def hdd(words: Sequence[Hashable], draws: int = DRAWS) -> float | None:
    """The mean type-token ratio of `draws` words drawn at random, exactly; None for a text of fewer words."""
    total = len(words)
    if total < draws:
        return None
    times = Counter(Counter(words).values())
    every = math.comb(total, draws)
    return sum(types * (1 - math.comb(total - count, draws) / every) for count, types in times.items()) / draws


def mattr(words: Sequence[Hashable], window: int = WINDOW) -> float | None:
    """The mean type-token ratio of all windows of so many words; None for a text of fewer.

    A word adds to each window in which it stands for the first time, so each is looked at once, not once a window.
    """
    total = len(words)
    if total < window:
        return None
    last: dict[Hashable, int] = {}
    firsts = 0
    for place, word in enumerate(words):
        begin = max(last.get(word, -1) + 1, place - window + 1)
        firsts += max(0, min(place, total - window) - begin + 1)
        last[word] = place
    return firsts / (window * (total - window + 1))
