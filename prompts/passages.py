"""Passages of text to be searched: a sector's own, or those of a user's file.

A file is JSON Lines with `text` and, if there is one, `name` (or `title`), or plain text in which an empty line parts
one passage from the next. In a sector's file `name` and `text` may be tables by language.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from pydantic import Field

from dialogue.errors import UsageError
from dialogue.records import Record
from prompts.brought import lacking, no_object, text_of
from prompts.loader import Prompts

MAX_CHARACTERS = 100_000
"""Of one passage: a longer one is a whole file given by mistake."""

NAME_CHARACTERS = 60
"""A passage without a name bears its first words."""


class Passage(Record):
    """One piece of text."""

    name: str = Field(min_length=1)
    text: str = Field(min_length=1)


def from_data(prompts: Prompts, file: str, language: str) -> list[Passage]:
    """The sector's own passages in a language, or in English where it has none in that."""
    return _all(prompts.read(file), str(prompts.path(file)), language)


def from_input(path: Path, language: str) -> list[Passage]:
    """The passages of a user's file."""
    return _all(text_of(path, "--input"), f"--input {path}", language)


def _all(text: str, place: str, language: str) -> list[Passage]:
    rows = _json(text, place, language) if text.lstrip().startswith(("{", '"')) else _plain(text, place)
    found = {passage.text: passage for passage in rows}  # the same passage twice would be found twice
    if not found:
        raise UsageError(f"{place}: empty, expected passages")
    return list(found.values())


def _json(text: str, place: str, language: str) -> Iterator[Passage]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                row = orjson.loads(line)
                row = {"text": row} if isinstance(row, str) else row
                if not isinstance(row, dict):
                    raise no_object(row, "a JSON object with `text`")
                if not row.get("text"):
                    raise lacking(row, "no text under `text`")
                yield _passage(_in(row.get("name") or row.get("title"), language), _in(row.get("text"), language))
            except ValueError as error:
                raise UsageError(f"{place}:{number}: {error}") from None


def _plain(text: str, place: str) -> Iterator[Passage]:
    for number, part in enumerate(text.replace("\r\n", "\n").split("\n\n"), 1):
        if part.strip():
            try:
                yield _passage(None, part)
            except ValueError as error:
                raise UsageError(f"{place}: passage {number}: {error}") from None


def _in(value: Any, language: str) -> Any:
    """A value by language in this one, its base, or English."""
    if not isinstance(value, dict):
        return value
    codes = (language, language.split("-")[0], "en")
    return next((value[code] for code in codes if value.get(code)), None)


def _passage(name: Any, text: Any) -> Passage:
    if not isinstance(text, str) or not text.strip():
        raise ValueError("no text under `text`")
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"a passage of {len(text):,} characters; at most {MAX_CHARACTERS:,} are searched in one")
    text = " ".join(text.split())
    named = " ".join(name.split()) if isinstance(name, str) else ""
    return Passage(name=named or text[:NAME_CHARACTERS], text=text)
