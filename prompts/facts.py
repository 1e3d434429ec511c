"""Facts that the people of a sector tell of themselves and may ask for again: kinds of facts, each with many values.

A sector names their file in its `sector.toml`; the file has one table for each language. A value is drawn by code and
stands in the dialogue's seed, so an answer that should hold it can be checked (dialogue/recall.py).
"""

from collections.abc import Sequence
from functools import cache

from pydantic import Field, ValidationError, model_validator

from dialogue.errors import UsageError
from dialogue.records import Record, one_line
from prompts.loader import Prompts

SLOT = "{v}"


class Kind(Record):
    """One kind of fact: of a name, a town, a pet."""

    tell: str
    """The fact in no person, with {v} for the value: "lives in {v}"."""
    ask: str
    """What is asked for later, in the words of a note: "where you live"."""
    values: tuple[str, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _has_room(self) -> "Kind":
        if self.tell.count(SLOT) != 1:
            raise ValueError(f"tell = {self.tell!r}: expected one {SLOT}")
        return self


class FactPool(Record):
    """All that people may tell in one language."""

    goal: tuple[str, ...] = Field(min_length=1)
    """What they want, in one line each."""
    facts: dict[str, Kind] = Field(min_length=1)
    """By key: "town"."""

    @model_validator(mode="after")
    def _is_unequivocal(self) -> "FactPool":
        kind_of: dict[str, str] = {}
        for key, kind in self.facts.items():
            for value in kind.values:
                if kind_of.setdefault(value.casefold(), key) != key or not value.strip():
                    raise ValueError(f"{value!r} stands under {kind_of[value.casefold()]} and under {key}")
        return self


@cache
def fact_pool(prompts: Prompts, file: str, language: str) -> FactPool:
    """The facts of a language, or of its base ("en" for "en-GB"). Raises UsageError where the file has neither."""
    tables = prompts.data(file)
    code = next((code for code in (language, language.split("-")[0]) if code in tables), None)
    if code is None:
        raise UsageError(f"{prompts.path(file)}: no facts in {language!r}{_there(list(tables))}")
    try:
        return FactPool.model_validate(tables[code])
    except ValidationError as error:
        raise UsageError(f"{prompts.path(file)}: {code}: {one_line(error)}") from None


def _there(codes: Sequence[str]) -> str:
    return f" (there are: {', '.join(codes)}); add a table to a copy under --prompts, or choose another --language"
