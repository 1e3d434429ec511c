"""Answers rated under several aspects: what is asked for in a language, and the reply read strictly."""

import json
import re
from collections.abc import Mapping, Sequence

from pydantic import Field

from dialogue.chance import hex64
from dialogue.errors import UsageError
from dialogue.records import Message, Record
from prompts.loader import Prompts
from prompts.names import FALLBACK, folder, language_name
from prompts.sector import HOME, Sector

LEAST, MOST = 1, 5
_FENCE = re.compile(r"\A```(?:json)?\s*\n(.*)\n```\Z", re.DOTALL)


class Principles(Record):
    """What principles.toml says in one language."""

    guides: dict[str, str] = Field(min_length=1)
    """What the assistant is told, by principle."""
    aspects: dict[str, str] = Field(min_length=1)
    """What the numbers say, by aspect."""


class Rating(Record):
    """What is said of one answer."""

    critique: str
    ratings: dict[str, int]

    @property
    def score(self) -> float:
        """The mean over the aspects."""
        return round(sum(self.ratings.values()) / len(self.ratings), 3)


def principles(prompts: Prompts, sector: Sector, language: str) -> Principles:
    """The sector's principles in a language, the English ones where it has none of its own."""
    file = f"{HOME}/{sector.name}/principles.toml"
    data = prompts.data(file)
    try:
        return Principles.model_validate(dict(data.get(folder(prompts, language)) or data[FALLBACK]))
    except ValueError as error:
        raise UsageError(f"{prompts.path(file)}: {error}") from None


def request(
    prompts: Prompts,
    sector: Sector,
    language: str,
    talk: Sequence[Message],
    answers: Sequence[str],
    key: str,
    again: str | None = None,
) -> str:
    """The prompt that has the answers rated; `again` is what was wrong with the last reply."""
    return prompts.render(
        f"{HOME}/{sector.name}/rating.j2",
        talk=[(message.role, message.content) for message in talk],
        answers=answers,
        aspects=principles(prompts, sector, language).aspects,
        language=language_name(prompts, language),
        mark=hex64(key, "mark")[:8],
        again=again,
    )


def parse(text: str, count: int, aspects: Mapping[str, str]) -> list[Rating]:
    """The ratings of so many answers, in order. Raises ValueError, with the place, for any other text."""
    fenced = _FENCE.match(text.strip())
    try:
        rows = json.loads(fenced[1] if fenced else text)
    except ValueError as error:
        raise ValueError(f"not JSON ({error})") from None
    if not isinstance(rows, list) or len(rows) != count:
        raise ValueError(f"expected a JSON array of {count} objects, one for each answer")
    return [_rating(row, number, aspects) for number, row in enumerate(rows, 1)]


def _rating(row: object, number: int, aspects: Mapping[str, str]) -> Rating:
    if not isinstance(row, dict) or row.get("answer") != number:
        raise ValueError(f"object {number}: expected one with answer = {number}")
    critique, ratings = row.get("critique"), row.get("ratings")
    if not isinstance(critique, str) or not critique.strip():
        raise ValueError(f"answer {number}: no critique")
    if not isinstance(ratings, dict) or set(ratings) != set(aspects):
        raise ValueError(f"answer {number}: expected ratings for {', '.join(aspects)}")
    for name, value in ratings.items():
        if type(value) is not int or not LEAST <= value <= MOST:
            raise ValueError(f"answer {number}: {name} is {value!r}, expected a whole number from {LEAST} to {MOST}")
    return Rating(critique=critique.strip(), ratings={name: ratings[name] for name in aspects})
