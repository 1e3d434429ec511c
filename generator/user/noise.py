"""A message as the person would have typed it: capitals, last marks and letters get lost, by seeded code.

Asked for carelessness, a model overdoes it and spoils what must stay right. Here code, numbers, addresses, quotations,
names and words of other scripts are never touched; a word loses, doubles or mistakes one letter at most, never among
its first three. Of a text of several lines only the first is typed anew: what follows is often pasted. Rates:
users/noise.toml. Runs after the checks on a turn, before the assistant sees it; openers that a person wrote stay.
"""

import re
from collections.abc import Callable, Mapping

from dialogue.chance import share
from prompts.loader import Prompts
from prompts.names import words

NOISE = "users/noise.toml"

_KEPT = re.compile(
    r"```.*?(?:```|\Z)|`[^`]*`"  # code
    r"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|「[^」]*」|『[^』]*』|\"[^\"]*\"|(?<!\w)'[^']+'(?!\w)|‘[^’]+’(?!\w)"  # quotations
    r"|\S*(?:://|www\.|[\d_@/\\=<>{}\[\]();$#|~^*+%&])\S*",  # addresses, numbers, formulas, bits of code
    re.DOTALL,
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_PLAIN = re.compile(r"[a-z]{5,}")
_LAST_MARK = re.compile(r"(?<=[^\s.!?…。！？])[.!?。！？]\Z")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_PAUSE = re.compile(r"(?<=\w)[，、](?=\w)")

_NEIGHBOURS = dict(zip("abcdefghijklmnopqrstuvwxyz", "svxswdfguhjknbiowearyceztx", strict=True))
"""The key beside each one."""


def typed(prompts: Prompts, text: str, traits: Mapping[str, str], language: str, *key: object) -> str:
    """The text as a person of these traits types it; the same for the same key."""
    data, wording = prompts.data(NOISE), words(prompts, language)["noise"]
    care = traits["typing"]
    wide = _WIDE.search(text) is not None
    dictated = traits["device"] == "dictated" and not wide
    rates = data[care] | (data["dictated"] if dictated else {})
    line, *pasted = text.split("\n", 1) if "```" not in text else [text]
    if rates["typos"]:
        line = _outside(line, lambda part, start: _mistyped(part, rates["typos"], start, *key))
    if dictated and share(*key, "marks") < rates["no_marks"]:
        line = _outside(line, lambda part, _: re.sub(r"[,;:](?=\s)|\.(?=\s+[A-Z])", "", part))
    if share(*key, "start") < rates["lower_start"]:
        line = _lower_start(line, wording["starters"])
    if dictated and wording["fillers"] and share(*key, "filler") < rates["filler"]:
        line = _with_filler(line, wording, share(*key, "which filler"))
    if wide and share(*key, "pauses") < data["spaces"][care]:
        line = _outside(line, lambda part, _: _PAUSE.sub(" ", part))
    if not pasted:
        question = data["question"]["wide" if wide else "no_end"]
        line = _open_ended(line, rates["no_end"], question, share(*key, "end"))
    return "\n".join([line, *pasted])


def _outside(text: str, change: Callable[[str, int], str]) -> str:
    """The text with what lies between the kept stretches changed; `change` gets a part and where it starts."""
    parts, end = [], 0
    for kept in _KEPT.finditer(text):
        parts += [change(text[end : kept.start()], end), kept.group()]
        end = kept.end()
    return "".join([*parts, change(text[end:], end)])


def _mistyped(part: str, rate: float, start: int, *key: object) -> str:
    def mistype(match: re.Match[str]) -> str:
        word = match.group()
        # A capital makes it a name or a sentence's start; an accent or another script is left to those who know it.
        if not _PLAIN.fullmatch(word):
            return word
        u = share(*key, "typo", start + match.start()) / rate
        return _one_slip(word, u) if u < 1 else word

    return _WORD.sub(mistype, part)


def _one_slip(word: str, u: float) -> str:
    """The word with one letter behind the third lost, doubled or mistaken for the key beside it."""
    position, u = divmod(u * (len(word) - 3), 1)
    at = 3 + int(position)
    slip = ["", word[at] * 2, _NEIGHBOURS[word[at]]][int(u * 3)]
    return word[:at] + slip + word[at + 1 :]


def _lower_start(text: str, starters: list[str]) -> str:
    """The text with a small first letter, unless its first word may be a name."""
    first = _WORD.match(text)
    if first is None:
        return text
    word = first.group().replace("’", "'")
    small = word[0].lower() + word[1:]
    # Short words at the start of a sentence are hardly ever names, in whatever language.
    if small not in starters and (len(word) > 3 or small != word.lower()):
        return text
    return text[0].lower() + text[1:]


def _with_filler(text: str, wording: Mapping[str, list[str]], u: float) -> str:
    """The text behind a filler; as it was where its first word may be a name, whose capital would then stand inside."""
    filler = wording["fillers"][int(u * len(wording["fillers"]))]
    lowered = _lower_start(text, wording["starters"])
    return text if lowered[:1].isupper() else f"{filler} {lowered}"


def _open_ended(text: str, rate: float, question_rate: float, u: float) -> str:
    """The text without its last mark; one that belongs to something kept stays."""
    mark = _LAST_MARK.search(text)
    if mark is None or any("://" in kept.group() or "`" in kept.group() for kept in _KEPT.finditer(text[-200:])):
        return text
    return text[: mark.start()] if u < rate * (question_rate if mark.group() in "?？" else 1.0) else text
