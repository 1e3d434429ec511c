"""Answers rated under several aspects: what is asked for in a language, and the reply read strictly."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import Field, RootModel

from dialogue.chance import hex64
from dialogue.errors import UsageError
from dialogue.records import Message, Record
from prompts.loader import Prompts
from prompts.names import FALLBACK, folder, language_name
from prompts.sector import HOME, Sector

LEAST, MOST = 1, 5
"""The scale of answers by principles; another sector's has another upper end."""
_FENCE = re.compile(r"\A```(?:json)?\s*\n(.*)\n```\Z", re.DOTALL)


class Principles(Record):
    """What principles.toml says in one language."""

    guides: dict[str, str] = Field(min_length=1)
    """What the assistant is told, by principle."""
    aspects: dict[str, str] = Field(min_length=1)
    """What the numbers say, by aspect."""


class Aspects(RootModel[dict[str, str]]):
    """What aspects.toml says in one language: what the numbers say, by aspect."""

    root: dict[str, str] = Field(min_length=1)


Table = TypeVar("Table", Principles, Aspects)


class Rubric(Record):
    """How answers are rated in one language."""

    template: str
    """What asks for it, as the loader names it."""
    aspects: dict[str, str]
    """What the numbers say, by aspect."""
    most: int
    """The scale's upper end; the lower one is 1."""


class Rating(Record):
    """What is said of one answer."""

    critique: str
    ratings: dict[str, int]

    @property
    def score(self) -> float:
        """The mean over the aspects."""
        return round(sum(self.ratings.values()) / len(self.ratings), 3)


def principles(prompts: Prompts, sector: Sector, language: str) -> Principles:
    """The sector's principles in a language."""
    return _read(prompts, sector, "principles.toml", language, Principles)


def of_samples(prompts: Prompts, sector: Sector, language: str) -> Rubric:
    """How answers that were sampled for one turn are rated; aspects.toml says under which aspects."""
    aspects = _read(prompts, sector, "aspects.toml", language, Aspects)
    return Rubric(template=_template(sector), aspects=aspects.root, most=100)


def request(
    prompts: Prompts,
    sector: Sector,
    language: str,
    talk: Sequence[Message],
    answers: Sequence[str],
    key: str,
    again: str | None = None,
) -> str:
    """The prompt that has answers by principles rated; `again` is what was wrong with the last reply."""
    aspects = principles(prompts, sector, language).aspects
    rubric = Rubric(template=_template(sector), aspects=aspects, most=MOST)
    return asked(prompts, rubric, language, talk, answers, key, again)


def asked(
    prompts: Prompts,
    rubric: Rubric,
    language: str,
    talk: Sequence[Message],
    answers: Sequence[str],
    key: str,
    again: str | None = None,
) -> str:
    """The prompt that has answers rated by a rubric."""
    return prompts.render(
        rubric.template,
        talk=[(message.role, message.content) for message in talk],
        answers=answers,
        aspects=rubric.aspects,
        most=rubric.most,
        language=language_name(prompts, language),
        mark=hex64(key, "mark")[:8],
        again=again,
    )


def _template(sector: Sector) -> str:
    return f"{HOME}/{sector.name}/rating.j2"


def _read(prompts: Prompts, sector: Sector, name: str, language: str, shape: type[Table]) -> Table:
    """A language's table of one of the sector's files, the English one where it has none of its own."""
    file = f"{HOME}/{sector.name}/{name}"
    data = prompts.data(file)
    try:
        return shape.model_validate(dict(data.get(folder(prompts, language)) or data[FALLBACK]))
    except ValueError as error:
        raise UsageError(f"{prompts.path(file)}: {error}") from None


def parse(text: str, count: int, aspects: Mapping[str, str], most: int = MOST) -> list[Rating]:
    """The ratings of so many answers, in order, from 1 to `most`. ValueError, with the place, for any other text."""
    fenced = _FENCE.match(text.strip())
    try:
        rows = json.loads(fenced[1] if fenced else text)
    except ValueError as error:
        raise ValueError(f"not JSON ({error})") from None
    if not isinstance(rows, list) or len(rows) != count:
        raise ValueError(f"expected a JSON array of {count} objects, one for each answer")
    return [_rating(row, number, aspects, most) for number, row in enumerate(rows, 1)]


def _rating(row: object, number: int, aspects: Mapping[str, str], most: int) -> Rating:
    if not isinstance(row, dict) or row.get("answer") != number:
        raise ValueError(f"object {number}: expected one with answer = {number}")
    critique, ratings = row.get("critique"), row.get("ratings")
    if not isinstance(critique, str) or not critique.strip():
        raise ValueError(f"answer {number}: no critique")
    if not isinstance(ratings, dict) or set(ratings) != set(aspects):
        raise ValueError(f"answer {number}: expected ratings for {', '.join(aspects)}")
    for name, value in ratings.items():
        if type(value) is not int or not LEAST <= value <= most:
            raise ValueError(f"answer {number}: {name} is {value!r}, expected a whole number from {LEAST} to {most}")
    return Rating(critique=critique.strip(), ratings={name: ratings[name] for name in aspects})
