"""Languages: what they are called, which folder of prompts serves them, and the wording found there."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from dialogue.errors import UsageError
from prompts.loader import Prompts, Table

HOME = "languages"
FALLBACK = "en"
"""The folder whose prompts, in English, serve every language without a folder of its own."""

FORMS = ("begun", "question", "imperative", "statement")
"""What an act may have wordings of its own for: a first word that is given, and each form."""


@cache
def folder(prompts: Prompts, language: str) -> str:
    """The folder of prompts that serves a language."""
    known: Mapping[str, str] = prompts.data(f"{HOME}/names.toml")["folders"]
    short = language.split("-")[0]
    for code in (language, known.get(language, short), short):
        if prompts.path(f"{HOME}/{code}/words.toml"):
            return code
    _named(prompts, language)
    return FALLBACK


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language as the prompts of the user simulator speak it."""

    folder: str
    name: str
    """What the prompts of the folder call it: its own name, in English prompts the English one."""
    foreign: bool
    """Whether it is asked for in the prompts of another language."""
    words: Mapping[str, Any]
    """The folder's words.toml; for a foreign language with its places and unit of length, and no English fillers."""


@cache
def tongue(prompts: Prompts, language: str, column: str | None = None) -> Tongue:
    """The prompts' way with a language, for the people of a sector's column where one is named.

    Raises UsageError for a language that names.toml does not know.
    """
    where, named = folder(prompts, language), _named(prompts, language)
    words = _worded(prompts, where, column)
    foreign = where == FALLBACK != language.split("-")[0]
    if foreign:
        words = {
            **words,
            "weights": {"locale": named["locales"]},
            "per_word": named.get("per_word", 1.0),
            "noise": {"fillers": [], "starters": []},
        }
    return Tongue(where, str(named["name" if where == FALLBACK else "own"]), foreign, words)


def words(prompts: Prompts, language: str, column: str | None = None) -> Mapping[str, Any]:
    """The wording for a language, and for the people of a sector's column where one is named."""
    return tongue(prompts, language, column).words


def columns(prompts: Prompts, where: str) -> list[str]:
    """The columns that have wording of their own in a folder of prompts."""
    known: Mapping[str, Any] = prompts.data(f"{HOME}/{where}/words.toml")["sectors"]
    return [column for column in known if prompts.path(f"{HOME}/{where}/{column}.toml")]


def _worded(prompts: Prompts, where: str, column: str | None) -> Mapping[str, Any]:
    """The folder's words.toml, under the file of the column if it has one: what a table holds there stands for ours."""
    base: Mapping[str, Any] = prompts.data(f"{HOME}/{where}/words.toml")
    file = f"{HOME}/{where}/{column}.toml"
    if column is None or not prompts.path(file):
        return base
    found = dict(base)
    for name, own in prompts.data(file).items():
        # An act that is worded anew is so in all its forms: `deepen` stands for `deepen_question` as well.
        forms = {f"{act}_{form}" for act in own for form in FORMS} if name == "acts" else set()
        kept = {key: value for key, value in base[name].items() if key not in forms}
        found[name] = Table({**kept, **own}, f"{prompts.path(file)}: {name}")
    return found


def language_name(prompts: Prompts, language: str) -> str:
    """What English prompts call the language."""
    return str(_named(prompts, language)["name"])


@cache
def code_of(prompts: Prompts, language: str) -> str | None:
    """The code of a language given by its code or its English name; None for one that names.toml does not know."""
    names: Mapping[str, Any] = prompts.data(f"{HOME}/names.toml")
    known: Mapping[str, Mapping[str, Any]] = names["languages"]
    by_name = {str(row["name"]).lower(): code for code, row in known.items()}
    code = by_name.get(language.lower()) or names["folders"].get(language, language)
    return code if code in known or code.split("-")[0] in known else None


def _named(prompts: Prompts, language: str) -> Mapping[str, Any]:
    """The row of names.toml. Raises UsageError for a code that is not there."""
    file = f"{HOME}/names.toml"
    data = prompts.data(file)
    rows: Mapping[str, Mapping[str, Any]] = data["languages"]
    for code in (language, data["folders"].get(language), language.split("-")[0]):
        if code in rows:
            return rows[code]
    near = get_close_matches(language, rows, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"codes such as en, fr, zh-TW; add others to {file}"
    raise UsageError(f"language {language!r}: not in {prompts.path(file)}; {hint}")
