"""Language: dialogues in a language that is not wanted or not the planned one, and turns that leave theirs.

A turn is looked at in two steps. The first is a glance at whether it has its share of the dialogue's own frequent words
or script, 5 us, and nearly every turn ends there. The second names the language of what it says in its own words (no
code, quotes or URLs): by the script where that is enough, else by py3langid, 300 us, which is not loaded before it is
needed. On paragraphs of 100 to 300 characters in 13 languages py3langid is wrong 0.05 % of the time at a confidence of
0.8 and silent 2 %; the stop words of `dialogue.languages.language_of` know six languages and are wrong on 4.5 %.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from pydantic import field_validator

from dialogue.draft import prose
from dialogue.records import Dialogue
from dialogue.tongues import SCRIPT_OF, SCRIPTS, chinese_variant, code_of, letters_by_script, normal, script_of
from dialogue.wordlists import language_names, stop_words
from filters.engine.base import Drop, Filter
from filters.engine.messages import evidence

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_GLANCE, _READ, _PROSE = 400, 8_000, 1_000
"""Characters of a turn that the glance sees, that are read for its prose, and of the prose that tell its language."""
_WORDS, _WORD_SHARE = 3, 0.15
"""Frequent words that only one language's list has: so many show it, and in 19,000 texts of 40 languages three times a
wrong one."""
_SCRIPT_LETTERS, _SCRIPT_SHARE = 10, 0.2
_EAST = ("ja", "ko", "wuu", "yue", "zh")
"""Told by their scripts; where py3langid names one, a few of their characters stand in another text."""
_OWN = 0.5
"""Share of the letters that the script of a text has; one of two languages shows neither."""
_OTHER_LETTER = re.compile("[\u0370-\u1dff\u2e80-\ufaff]")
_STATEMENT = re.compile(
    r"(?:def|class|return|import|from|for|while|if|elif|else|try|print|public|private|const|let|var|function)\b"
    r"[^(){};=]*[(){};=]"
)
_CALL = re.compile(r"\w[(=]")
_CODE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_KIN = (("bs", "hr", "sh", "sr"), ("id", "ms"), ("da", "nb", "nn", "no"), ("wuu", "yue", "zh"), ("gl", "pt"))
"""Languages that are told from each other only in long texts."""
_KIN_OF = {code: kin[-1] for kin in _KIN for code in kin}
_LANGUAGE_OF = {
    script: next(code for code, other in SCRIPT_OF.items() if other == script)
    for script, number in Counter(SCRIPT_OF.values()).items()
    if number == 1
}


class Language(Filter):
    """Keeps dialogues in the wanted languages whose turns keep to the language in which they began.

    Reasons: `not_allowed`, `not_planned`, `switch`. A dialogue is in the language of its first turn that shows one. A
    dialogue that names a language or asks for a translation is no switch. What shows no language is kept.
    """

    allowed: tuple[str, ...] = ()
    """BCP-47 codes of the wanted languages; zh is both zh-Hans and zh-Hant. None named: all are. Vicuna's cleaning
    keeps one (`--keep-lang en`)."""
    planned: bool = True
    """Whether a dialogue whose seed names another language is dropped."""
    switch: bool = True
    """Whether a turn in another language than the dialogue's is a fault."""
    least_letters: int = 60
    """Letters that a turn needs to show its language; those of a script that only one language has, as Chinese, Hangul
    or Thai, are counted three times. py3langid is silent on one text in six of 40 to 100 characters, on every other
    of fewer."""
    least_confidence: float = 0.8
    """Of py3langid, 0 to 1: at 0.5 it is wrong 0.3 % of the time, at 0.8 0.05 %."""

    @field_validator("allowed")
    @classmethod
    def _codes(cls, allowed: tuple[str, ...]) -> tuple[str, ...]:
        for code in allowed:
            if not _CODE.fullmatch(code):
                raise ValueError(f"{code!r} is no language code; expected en, de, zh-Hans ...")
        return allowed

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """The dialogue, or the first fault: by its own language, then turn by turn."""
        main: str | None = None
        for index, text in _spoken(dialogue):
            if main is None:
                main = self._told(text)
                if main and (fault := self._unwanted(main, dialogue)):
                    return Drop(fault, evidence(index, text, language=main))
                if main and not self.switch:
                    return dialogue
            elif not _looks(text, main) and (other := self._other(text, main)) and not _about_languages(dialogue):
                return Drop("switch", evidence(index, text, language=other, began=main))
        return dialogue

    def _unwanted(self, main: str, dialogue: Dialogue) -> str | None:
        if self.allowed and not any(_same(main, code_of(code)) for code in self.allowed):
            return "not_allowed"
        plan = dialogue.seed.language if self.planned else None
        known = plan is not None and code_of(plan) in SCRIPT_OF
        if plan is None or not known or _same(main, code_of(plan)) or _about_languages(dialogue):
            return None
        return "not_planned"

    def _other(self, text: str, main: str) -> str | None:
        """The language of a turn where that is not the dialogue's; None where a line of it is in that."""
        other = self._named(_plain(text))
        if other is None or _same(other, main):
            return None
        lines = prose(text[:_READ]).split("\n")
        return None if len(lines) > 1 and any(self._in(line, main) for line in lines) else other

    def _in(self, line: str, main: str) -> bool:
        return _looks(line, main) or ((found := self._named(line)) is not None and _same(found, main))

    def _told(self, text: str) -> str | None:
        """The language that a text shows."""
        return _listed_in(text) or self._named(_plain(text))

    def _named(self, plain: str) -> str | None:
        """The language of a text without code and quotes."""
        if len(plain) * 3 < self.least_letters or (plain.isascii() and len(plain) < self.least_letters):
            return None
        letters = letters_by_script(plain)
        weights = {script: number * _weight(script) for script, number in letters.items()}
        weight, script = sum(weights.values()), script_of(letters)
        own = sum(
            weights.get(part, 0) for part in (("Hani", "Kana") if script in ("Hani", "Kana") else (script or "",))
        )
        if script is None or weight < self.least_letters or own < _OWN * weight:
            return None
        if script == "Hani":
            return chinese_variant(plain)
        return _LANGUAGE_OF.get(script) or _listed_in(plain) or self._identified(plain)

    def _identified(self, plain: str) -> str | None:
        code, confidence = _identifier().classify(plain)
        if confidence < self.least_confidence:
            # Norwegian's two codes, or Bosnian and Croatian, share what would be certain
            confidence = sum(share for other, share in _identifier().rank(plain) if _same(other, code))
        return code if confidence >= self.least_confidence and code not in _EAST else None


@cache
def _identifier() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _spoken(dialogue: Dialogue) -> Iterator[tuple[int, str]]:
    for index, message in enumerate(dialogue.messages):
        if message.role in ("user", "assistant"):
            yield index, message.content


def _same(one: str, other: str) -> bool:
    """Whether two codes may be one language: zh is any Chinese, and kin are not told apart."""
    if one == other:
        return True
    short, second = one.split("-")[0], other.split("-")[0]
    if short == second:
        return short in (one, other)
    return _KIN_OF.get(short, short) == _KIN_OF.get(second, second)


@cache
def _listed() -> tuple[str, ...]:
    """The languages in Latin letters that have a list of frequent words, English first."""
    return tuple(sorted((code for code in stop_words() if SCRIPT_OF[code] == "Latn"), key=lambda code: code != "en"))


@cache
def _letters(script: str) -> re.Pattern[str]:
    ranges = dict(SCRIPTS)
    return re.compile(f"[{ranges[script]}{ranges['Hani'] if script == 'Kana' else ''}]")


def _tells(script: str) -> bool:
    """Whether the script alone tells the language."""
    return script in _LANGUAGE_OF or script == "Hani"


def _weight(script: str) -> int:
    return 3 if _tells(script) else 2 if script == "Deva" else 1  # half of what Hindi writes are marks


def _plain(text: str) -> str:
    """The beginning of what a text says in its own words: no code, fenced or bare, no quotes or URLs."""
    plain = prose(text[:_READ])
    return "\n".join(line for line in plain.split("\n") if not _is_code(line.strip())).strip()[:_PROSE]


def _is_code(line: str) -> bool:
    """Whether it looks like a line of a program without a fence, whose words are English in every language."""
    if line.endswith((";", "{", "}", "=")) or line.startswith(("#", "/", "<", "@", "}")) or "  #" in line:
        return True
    return _STATEMENT.match(line) is not None or (line.endswith((")", "]")) and _CALL.search(line) is not None)


def _listed_in(text: str) -> str | None:
    return next((code for code in _listed() if _looks(text, code)), None)


def _looks(text: str, code: str) -> bool:
    """Whether the text's beginning or, as where a list of ingredients stands before the recipe, its end looks so."""
    return _glance(text[:_GLANCE], code) or (len(text) > _GLANCE and _glance(text[-_GLANCE:], code))


def _glance(text: str, code: str) -> bool:
    """Whether the text has its share of the language's own frequent words, or of its script."""
    if code in _listed():
        if not text.isascii() and _OTHER_LETTER.search(text):  # its words are not those between the spaces
            return False
        words = text.lower().split()
        own = sum(map(stop_words()[code].__contains__, words))
        return own >= _WORDS and own >= _WORD_SHARE * len(words)
    script = SCRIPT_OF.get(code)
    if text.isascii() or script is None or not _tells(script):
        return False
    enough = len(_letters(script).findall(text)) >= max(_SCRIPT_LETTERS, _SCRIPT_SHARE * len(text))
    return enough and (script != "Hani" or _same(chinese_variant(text), code))


def _about_languages(dialogue: Dialogue) -> bool:
    """Whether the user or the system message names a language or a translation."""
    said = (message.content for message in dialogue.messages if message.role in ("user", "system"))
    return any(language_names().find(normal(part)) for text in said for part in (text[:_READ], text[_READ:][-_READ:]))
