"""Sentences, words and language of an answer, near enough to what IFEval's authors take (nltk's punkt, langdetect).

Both need data or chance that a check should not depend on: here sentences are split by rules, and py3langid, which
draws nothing, tells the language. On the published verdicts that costs one disagreement in two hundred at most.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_ABBREVIATED = (
    "mr mrs ms dr prof st jr sr vs inc co corp ltd gen col sgt capt lt rep sen gov hon rev mt ft no "
    "e.g i.e u.s u.k a.m p.m d.c ph.d b.c a.d jan feb mar apr aug sept oct nov dec"
)
_ABBREVIATIONS = frozenset(_ABBREVIATED.split())
_MARKS = ".?!"
_CLOSERS = "\"'”’)]}*_"
_WIDE_END = re.compile(r"[。！？]+")
_WORD = re.compile(r"\w+")
_TOKEN = re.compile(
    r"[^\W\d_]+(?=n't\b)|n't\b|['’](?:s|m|d|ll|re|ve)\b|(?:[^\W\d_]\.)+[^\W\d_]?\.?|[^\s,;:?!()\[\]{}<>\"“”`@#$%&.'’]+",
    re.IGNORECASE,
)
LONGEST = 1_000_000
"""Characters of an answer that are looked at."""


def sentences(text: str, upstream: bool = True) -> int:
    """How many sentences a text has: an end mark before white space ends one, but for abbreviations and initials.

    Upstream's splitter knows no Chinese or Japanese marks.
    """
    said = text.strip()[:LONGEST]
    pieces = (said if upstream else _WIDE_END.sub(". ", said)).split()
    ends = 0
    rest = False
    for at, piece in enumerate(pieces):
        word = piece.rstrip(_CLOSERS)
        before = word.rstrip(_MARKS)
        after = pieces[at + 1] if at + 1 < len(pieces) else None
        if before != word and _ends(before, word[len(before) :], after):
            ends += 1
            rest = False
        else:
            rest = rest or bool(word)
    return ends + rest


def _ends(before: str, marks: str, after: str | None) -> bool:
    if after is None:
        return True
    if marks != ".":
        return not marks.startswith("..") or after[:1].isupper()
    word = before.lstrip("\"'“‘([{*_").lower()
    return not (word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha()))


def words(text: str) -> int:
    """How many runs of letters, digits and underscores a text has."""
    return sum(1 for _ in _WORD.finditer(text[:LONGEST]))


def capital_words(text: str) -> int:
    """Words all of whose letters are capitals; "I'M" is two of them, as nltk cuts it."""
    return sum(token.isupper() for token in _TOKEN.findall(text[:LONGEST]))


def language(text: str) -> str | None:
    """ISO 639-1 code of a text's language, the same each time; None for a text without letters."""
    said = text[:10_000]
    if not any(letter.isalpha() for letter in said):
        return None
    code: str = _identifier().classify(said.lower())[0]
    return code


@cache
def _identifier() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
