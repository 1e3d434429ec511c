"""The words of each language that give a simulated user away: one TOML file a language under `phrases/`.

Adding a language is adding a file. A language without one still gets every check that needs no words, and English
is read beside every language, since models slip into it.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from pathlib import Path

from dialogue.tongues import SCRIPT_OF, UNBOUNDED, code_of, normal, words_of

HOME = Path(__file__).parent / "phrases"


@dataclass(frozen=True, slots=True, eq=False)
class Phrases:
    """Phrases, and for each of those that spaces bound the word by which it is looked up."""

    every: tuple[str, ...]
    keyed: Mapping[str, tuple[str, ...]]
    keys: frozenset[str]
    loose: tuple[str, ...]
    """Those of scripts without spaces, and those without a word."""

    def find(self, text: str, vocabulary: frozenset[str] | None = None) -> str | None:
        """The first of the phrases that stands in the text as whole words.

        With the set of the text's words only phrases whose key is among them are tried: a tenth of the time.
        """
        if vocabulary is None:
            return self._first(text, self.every)
        if self.keys.isdisjoint(vocabulary):
            return self._first(text, self.loose) if self.loose else None
        keyed = [phrase for hit in self.keys & vocabulary for phrase in self.keyed[hit] if phrase in text]
        # in the order of the file, whatever the order of the set
        keyed.sort(key=self.every.index)
        return self._first(text, keyed) or self._first(text, self.loose)

    @staticmethod
    def _first(text: str, tried: Iterable[str]) -> str | None:
        for phrase in tried:
            if phrase in text and _whole(text, phrase):
                return phrase
        return None

    def start(self, text: str) -> str | None:
        """The phrase with which the text starts, as whole words."""
        if not text.startswith(self.every):
            return None
        starts = (phrase for phrase in self.every if text.startswith(phrase))
        return next((phrase for phrase in starts if _ends_at(text, len(phrase), phrase)), None)


def phrases(every: Iterable[str]) -> Phrases:
    """The phrases, indexed by their longest words."""
    distinct = tuple(dict.fromkeys(map(normal, every)))
    keyed: dict[str, tuple[str, ...]] = {}
    loose = []
    for phrase in distinct:
        words = [] if phrase[0] in UNBOUNDED else words_of(phrase)
        if words:
            key = max(words, key=len)
            keyed[key] = (*keyed.get(key, ()), phrase)
        else:
            loose.append(phrase)
    return Phrases(distinct, keyed, frozenset(keyed), tuple(loose))


def _whole(text: str, phrase: str) -> bool:
    """Whether an occurrence of the phrase has no letter or digit glued to it; scripts without spaces need none."""
    at = text.find(phrase)
    while at >= 0:
        begins = phrase[0] in UNBOUNDED or at == 0 or not (text[at - 1] + phrase[0]).isalnum()
        if begins and _ends_at(text, at + len(phrase), phrase):
            return True
        at = text.find(phrase, at + 1)
    return False


def _ends_at(text: str, end: int, phrase: str) -> bool:
    return phrase[-1] in UNBOUNDED or end == len(text) or not (text[end] + phrase[-1]).isalnum()


@dataclass(frozen=True, slots=True, eq=False)
class Wordlists:
    """Phrases in lower case with straight apostrophes and half-width marks; several languages laid together."""

    thanks: Phrases
    thanks_topics: Phrases
    """After a thanks word they make it a topic: "thank-you letter"."""
    no_thanks: Phrases
    praise: Phrases
    fillers: Phrases
    """Words that may stand in a thanks-only turn without saying anything more."""
    farewell: Phrases
    help_desk: Phrases
    help_desk_starts: Phrases
    answer_starts: Phrases
    """Those of `help_desk_starts` with which a user answers a question of the assistant."""
    own: Phrases
    """Words of a first line that announces the user's own material."""
    refusal: Phrases
    apologies: Phrases
    refusal_verbs: Phrases
    """Behind an apology they make it a refusal: "but I can't open the file" has none."""
    meta: Phrases
    meta_not: Phrases
    stage: Phrases
    roles: Phrases
    placeholders: Phrases
    lead_ins: Phrases
    """ "Here are", which with `list_nouns` opens a writer's preamble."""
    list_nouns: Phrases
    opener_starts: Phrases
    opener_meta: Phrases
    praise_starts: Phrases
    asks: Phrases
    language_names: Phrases


def languages() -> list[str]:
    """The codes that have a file."""
    return sorted(path.stem for path in HOME.glob("*.toml"))


@cache
def _file(code: str) -> dict[str, list[str]]:
    data = tomllib.loads((HOME / f"{code}.toml").read_text(encoding="utf-8"))
    data.pop("script")
    return data


@lru_cache(maxsize=64)
def wordlists(language: str | None) -> Wordlists:
    """The lists of the language and of English; of every language where it is unknown."""
    codes = [code for code in languages() if language is None or _belongs(code, code_of(language))] + ["en"]
    merged = {
        field.name: phrases(phrase for code in codes for phrase in _file(code)[field.name])
        for field in fields(Wordlists)
    }
    return Wordlists(**merged)


def _belongs(code: str, wanted: str) -> bool:
    return code == wanted or code.startswith(wanted + "-")


@cache
def stop_words(*, shared: bool = False) -> dict[str, frozenset[str]]:
    """The frequent words of each language written with spaces; by default those no other list of its script has."""
    lists = {code: frozenset(_file(code)["stop_words"]) for code in languages() if _file(code)["stop_words"]}
    if shared:
        return lists
    rivals = {code: [lists[o] for o in lists if o != code and SCRIPT_OF[o] == SCRIPT_OF[code]] for code in lists}
    return {code: words.difference(*rivals[code]) for code, words in lists.items()}


@cache
def language_names() -> Phrases:
    """The names of languages in all languages, and the words for translating."""
    return wordlists(None).language_names
