"""Scripts, words and languages of a text, from its characters and most frequent words alone."""

import re
from collections import Counter
from functools import cache

SCRIPTS: tuple[tuple[str, str], ...] = (
    ("Latn", r"A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"),
    ("Grek", r"\u0370-\u03ff\u1f00-\u1fff"),
    ("Cyrl", r"\u0400-\u052f"),
    ("Armn", r"\u0531-\u058f"),
    ("Hebr", r"\u05d0-\u05ea"),
    ("Arab", r"\u0620-\u064a\u066e-\u06d3\u0750-\u077f"),
    ("Deva", r"\u0900-\u097f"),
    ("Beng", r"\u0980-\u09ff"),
    ("Taml", r"\u0b80-\u0bff"),
    ("Telu", r"\u0c00-\u0c7f"),
    ("Thai", r"\u0e01-\u0e5b"),
    ("Laoo", r"\u0e81-\u0edf"),
    ("Mymr", r"\u1000-\u109f"),
    ("Geor", r"\u10a0-\u10ff"),
    ("Khmr", r"\u1780-\u17ff"),
    ("Kore", r"\uac00-\ud7a3\u3131-\u318e"),
    ("Kana", r"\u3041-\u30ff\uff66-\uff9f"),
    ("Hani", r"\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"),
)
"""ISO 15924 codes and their letters; kana, which ISO splits in two, is one."""

_LANGUAGES_OF = {
    "Latn": "en de es fr pt it nl pl tr sv da nb no fi cs sk ro hu vi id ms ca sw hr sl et lv lt",
    "Hani": "zh zh-Hans zh-Hant",
    "Cyrl": "ru uk bg be sr kk mn",
    "Arab": "ar fa ur",
    "Deva": "hi mr ne",
    **{"Kana": "ja", "Kore": "ko", "Grek": "el", "Hebr": "he", "Thai": "th", "Laoo": "lo", "Khmr": "km", "Mymr": "my"},
    **{"Geor": "ka", "Armn": "hy", "Beng": "bn", "Taml": "ta", "Telu": "te"},
}
SCRIPT_OF = {code: script for script, codes in _LANGUAGES_OF.items() for code in codes.split()}
"""The script in which a language is written."""

MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0dff"
    "\u0e31-\u0e4e\u0eb1-\u0ecd\u102b-\u103e\u17b4-\u17d3"
)
"""Vowel signs and accents, which `\\w` leaves out and which end no word."""

CJK = r"\u3005\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_HAS_CJK = re.compile(f"[{CJK}]")
_ASCII_WORD = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")
_ANY_WORD = re.compile(f"[{CJK}]|[^\\W_{CJK}](?:[{MARKS}']*[^\\W_{CJK}])*[{MARKS}]*")
_UNSPACED = re.compile(r"[\u0e01-\u0e5b\u0e81-\u0edf\u1000-\u109f\u1780-\u17ff]")
_LETTERS = tuple((name, re.compile(f"[{ranges}]")) for name, ranges in SCRIPTS)
_ASCII_REST = str.maketrans("", "", "".join(chr(i) for i in range(128) if not chr(i).isalpha()))
_PLAIN_MARKS = tuple(zip("’‘＇，！？：；（）　．［］｛｝", "'''" + ",!?:;() .[]{}", strict=True))


class _Unbounded:
    """The letters of scripts whose words nothing separates, Korean's glued particles included."""

    def __contains__(self, char: str) -> bool:
        return char > "⺀" and _script(char) in ("Hani", "Kana", "Kore")


UNBOUNDED = _Unbounded()


def normal(text: str) -> str:
    """Lower case, with straight apostrophes and half-width marks."""
    low = text.lower()
    if low.isascii():
        return low
    # most marks are absent: five times as fast as str.translate
    for mark, plain in _PLAIN_MARKS:
        low = low.replace(mark, plain)
    return low


def words_of(low: str) -> list[str]:
    """The words of a text that `normal` has been through: alphanumeric runs, and each Chinese or kana character."""
    return (_ASCII_WORD if low.isascii() else _ANY_WORD).findall(low)


def word_count(text: str) -> int:
    """The words of a text, where a Chinese or kana character counts 0.6 and a Thai, Lao, Khmer or Burmese one 0.25."""
    return size_of(text, words_of(normal(text)))


def size_of(text: str, words: list[str]) -> int:
    """`word_count` for whom the words are at hand."""
    if text.isascii():
        return len(words)
    cjk, unspaced = len(_HAS_CJK.findall(text)), len(_UNSPACED.findall(text))
    spaced = len(words) - cjk - (sum(1 for word in words if _UNSPACED.match(word)) if unspaced else 0)
    return round(spaced + 0.6 * cjk + 0.25 * unspaced)


@cache
def _script(char: str) -> str:
    return next((name for name, letters in _LETTERS if letters.match(char)), "Zyyy")


def letters_by_script(text: str) -> Counter[str]:
    """How many letters of each script the text has; letters of rarer scripts are counted as Zyyy."""
    if text.isascii():
        return Counter({"Latn": latin} if (latin := len(text.translate(_ASCII_REST))) else {})
    return Counter(map(_script, filter(str.isalpha, text)))


def code_of(language: str) -> str:
    """The code under which the project knows a BCP-47 tag: `en-US` is en, `zh-TW` is zh-Hant, `zh-CN` is zh-Hans."""
    parts = language.replace("_", "-").lower().split("-")
    if parts[0] != "zh" or len(parts) == 1:
        return parts[0]
    return "zh-Hant" if {"hant", "tw", "hk", "mo"} & set(parts) else "zh-Hans"


@cache
def variants() -> tuple[frozenset[str], frozenset[str]]:
    """Characters of simplified Chinese alone and of traditional alone: those only GB 2312, only Big5 can hold."""
    every = "".join(map(chr, range(0x4E00, 0xA000)))
    simplified, traditional = (set(every.encode(name, "ignore").decode(name)) for name in ("gb2312", "big5"))
    return frozenset(simplified - traditional), frozenset(traditional - simplified)


def chinese_variant(text: str) -> str:
    """zh-Hans, zh-Hant, or zh where the characters do not tell."""
    simplified, traditional = (sum(map(chars.__contains__, text)) for chars in variants())
    if simplified > 3 * traditional:
        return "zh-Hans"
    return "zh-Hant" if traditional > 3 * simplified else "zh"


def script_of(letters: Counter[str]) -> str | None:
    """The script that the letters are mostly of, a Chinese character weighing as much as three letters."""
    if not letters:
        return None
    cjk = letters["Hani"] + letters["Kana"]
    # Japanese has kana between its Chinese characters; names and headings in kana occur in Chinese too
    east = "Kana" if letters["Kana"] * 6 > cjk else "Hani"
    weights = {name: n for name, n in letters.items() if name not in ("Hani", "Kana")} | {east: 3 * cjk}
    return max(weights, key=weights.__getitem__)
