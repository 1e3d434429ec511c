"""Turns that are nothing but thanks or farewell, and openings that praise."""

import re
from functools import lru_cache

from dialogue.draft import Draft, read
from dialogue.tongues import UNBOUNDED
from dialogue.wordlists import Wordlists

_MARKS = re.compile(r"[^\w'-]")
LEFT_OVER = 8
"""Words that a thanks-only turn may hold besides its thanks."""


def thanks_only(text: str, language: str | None) -> bool:
    """Whether the turn thanks and says nothing more; "thanks, and how ..." and "no, thanks" say more."""
    return thanks(read(text, (), None, language)) is not None


def thanks(draft: Draft) -> str | None:
    """The thanks words of a turn that only thanks."""
    lists = draft.lists
    word = lists.thanks.find(draft.plain, draft.vocabulary)
    if word is None or "?" in draft.plain or lists.no_thanks.find(draft.plain):
        return None
    after = draft.plain[draft.plain.find(word) + len(word) :].lstrip(" -")
    if lists.thanks_topics.start(after):
        return None
    return word if _empty_beside(draft, lists) else None


def farewell(draft: Draft) -> str | None:
    """The farewell words of a turn that only says goodbye."""
    lists = draft.lists
    word = lists.farewell.find(draft.plain, draft.vocabulary)
    if word is None or "?" in draft.plain:
        return None
    return word if _empty_beside(draft, lists) else None


def praise_opener(text: str, lists: Wordlists) -> str | None:
    """The praise with which the lower-case text starts."""
    return lists.praise_starts.start(text.lstrip("¡ "))


def _empty_beside(draft: Draft, lists: Wordlists) -> bool:
    """Whether nothing is left beside thanks and farewell but praise, fillers and words that were said before."""
    words, unspaced, courteous = _vocabulary(lists)
    rest = [run for run in _runs(courteous.sub(" ", draft.plain), unspaced) if run not in words]
    if not rest:
        return True
    said = "\n".join(message.content for message in draft.history).lower()
    return len(rest) <= LEFT_OVER and all(len(run) > 1 and run in said for run in rest)


def _runs(low: str, unspaced: tuple[str, ...]) -> list[str]:
    """The words left, where scripts without spaces are first cleared of the fillers themselves."""
    if not low.isascii():
        for filler in unspaced:
            low = low.replace(filler, " ")
    return [stripped for run in _MARKS.sub(" ", low).split() if (stripped := run.strip("'-"))]


@lru_cache(maxsize=64)
def _vocabulary(lists: Wordlists) -> tuple[frozenset[str], tuple[str, ...], re.Pattern[str]]:
    """Words that say nothing; those of them to be cut out of unspaced text, longest first; thanks and farewells."""
    words = (*lists.fillers.every, *lists.praise.every)
    spoken = sorted((*lists.thanks.every, *lists.farewell.every), key=len, reverse=True)
    bounded = (re.escape(p) if p[0] in UNBOUNDED else rf"(?<!\w){re.escape(p)}(?!\w)" for p in spoken)
    unspaced = sorted((word for word in words if word[0] in UNBOUNDED), key=len, reverse=True)
    return frozenset(words), tuple(unspaced), re.compile("|".join(bounded))
