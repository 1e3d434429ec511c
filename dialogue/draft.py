"""A turn under examination, read once for all checks: its prose without code and quotes, and its words."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from dialogue.records import Message
from dialogue.tongues import normal, size_of, words_of
from dialogue.wordlists import Wordlists, wordlists

_HIDERS = ("`", '"', "~~~", " '", "('", "\n'", ">", "://", "www.")
_WIDE_HIDERS = ("“", "‘", "«", "„", "「", "『", "《")
_CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`", re.DOTALL)
_QUOTED = re.compile(
    r"\"[^\"]{1,4000}\"|“[^”]{1,4000}”|«[^»]{1,4000}»|„[^“”]{1,4000}[“”]|「[^」]{1,4000}」|『[^』]{1,4000}』|《[^》]{1,200}》"
    r"|(?<!\w)['‘](?=\S)[^'’\n]{2,}(?:['’](?=\w)[^'’\n]*)*['’](?!\w)|^>.*$",
    re.MULTILINE,
)
_URL = re.compile(r"(?:https?|ftp)://\S+|\bwww\.\S+")
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
_PAIRS = {'"': '"', "“": "”", "«": "»", "„": "“”", "「": "」", "『": "』", "”": "”", "＂": "＂"}


class Draft(NamedTuple):
    """One turn and what the checks need to judge it."""

    text: str
    low: str
    """Lower case, straight apostrophes, half-width marks."""
    bare: str
    """The text without code, line breaks kept."""
    prose: str
    """The text without code, quotes and URLs."""
    plain: str
    """`prose` in the form of `low`."""
    words: list[str]
    """The words of `plain`."""
    vocabulary: frozenset[str]
    longest: list[str]
    """The vocabulary, longest words first: the likeliest to be missing elsewhere."""
    size: int
    """`word_count` of `plain`."""
    lists: Wordlists
    history: Sequence[Message]
    act: str | None
    language: str | None


def read(text: str, history: Sequence[Message], act: str | None, language: str | None) -> Draft:
    """The draft in a text."""
    text = text.strip()
    low = normal(text)
    bare = prose_ = text
    plain = low
    if _may_hide(text):
        bare = without_code(text)
        prose_ = _URL.sub(" ", _QUOTED.sub(" ", bare)).strip()
        plain = low if prose_ is text or prose_ == text else normal(prose_)
    words = words_of(plain)
    lists = wordlists(language)
    vocabulary = frozenset(words)
    longest = sorted(vocabulary, key=len, reverse=True)
    return Draft(
        text,
        low,
        bare,
        prose_,
        plain,
        words,
        vocabulary,
        longest,
        size_of(prose_, words),
        lists,
        history,
        act,
        language,
    )


def _may_hide(text: str) -> bool:
    """Whether there can be code, a quote or a URL: a look at single marks before any expression runs."""
    if text[:1] == "'" or any(map(text.__contains__, _HIDERS)):
        return True
    return not text.isascii() and any(map(text.__contains__, _WIDE_HIDERS))


def without_code(text: str) -> str:
    """The text without fenced and inline code."""
    return _CODE.sub(" ", text) if "`" in text or "~~~" in text else text


def prose(text: str) -> str:
    """The text without code, quotes and URLs: what its writer says in their own words."""
    return _URL.sub(" ", _QUOTED.sub(" ", without_code(text)))


def unwrap(text: str) -> str:
    """The text without invisible marks at its ends and without the one pair of quotes that holds all of it."""
    text = text.strip().strip(_INVISIBLE).strip()
    if len(text) < 3 or text[-1] not in _PAIRS.get(text[0], ""):
        return text
    inner = text[1:-1]
    # "Yes" or "no": the first and last mark are of different pairs
    return text if text[0] in inner or text[-1] in inner else inner.strip().strip(_INVISIBLE).strip()
