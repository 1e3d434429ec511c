"""The page on which a user says what their assistant is: a TOML of a dozen lines, named by --input.

    assistant = "the assistant of a bicycle shop"       whom it speaks for
    knowledge = ["faq.jsonl", "parts.csv", "guide.md"]  files beside the page, see prompts/source_rows.py
    clients = ["somebody who rides to work"]            kinds of people who come
    decline = ["to say whose fault an accident was"]    what it must not do, or { what = ..., why = ... }
    refer = "the workshop's telephone"                  where it points instead (optional)

    [ask.age]                                           what it has to know before it advises (optional)
    tell = "the bicycle is {v} old"
    ask = "how old the bicycle is"
    values = ["a year", "ten years"]

A kind of client may be a table that narrows the values of some facts, or takes a fact away:
`{ who = "somebody with a new bicycle", age = ["a week"] }`.
"""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from dialogue.chance import share
from dialogue.errors import UsageError
from dialogue.records import Record, one_line
from prompts.facts import Kind
from prompts.knowledge import Knowledge, knowledge

MOST_CHARACTERS = 600
"""A longer line on the page is something else, pasted by mistake."""


class Client(Record):
    """A kind of people who come."""

    who: str = Field(min_length=1, max_length=MOST_CHARACTERS)
    only: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """The values that facts can have with them, by key; none: they have no such fact."""

    @model_validator(mode="before")
    @classmethod
    def _from_page(cls, row: Any) -> Any:
        """A text, or a table whose other keys are those of facts."""
        if isinstance(row, str):
            return {"who": row}
        if isinstance(row, dict) and "only" not in row:
            return {"who": row.get("who"), "only": {key: value for key, value in row.items() if key != "who"}}
        return row


class Boundary(Record):
    """What the assistant must not do."""

    what: str = Field(min_length=1, max_length=MOST_CHARACTERS)
    why: str | None = Field(default=None, max_length=MOST_CHARACTERS)
    """The reason, as it tells it."""

    @model_validator(mode="before")
    @classmethod
    def _from_page(cls, row: Any) -> Any:
        return {"what": row} if isinstance(row, str) else row


class Page(Record):
    """What the page says."""

    path: Path
    assistant: str = Field(min_length=1, max_length=MOST_CHARACTERS)
    knowledge: tuple[Path, ...] = Field(min_length=1)
    clients: tuple[Client, ...] = Field(min_length=1)
    decline: tuple[Boundary, ...] = Field(min_length=1)
    refer: str | None = None
    cite: bool = False
    """Whether its answers name the ids of the sources that they rest on, in square brackets."""
    keep_notes: bool = False
    """Whether the record keeps what the assistant was told, sources and all, as its system message."""
    ask: dict[str, Kind] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _hangs_together(self) -> "Page":
        for client in self.clients:
            for key, values in client.only.items():
                if key not in self.ask:
                    raise ValueError(f"clients: {client.who!r}: {key!r} is no fact of [ask] ({_listed(self.ask)})")
                if stray := set(values) - set(self.ask[key].values):
                    raise ValueError(f"clients: {client.who!r}: {key}: {sorted(stray)[0]!r} is none of its values")
        lines_of = {"clients": [one.who for one in self.clients], "decline": [one.what for one in self.decline]}
        for name, lines in lines_of.items():
            if len(set(lines)) < len(lines) or not all(line.strip() for line in lines):
                raise ValueError(f"{name}: expected lines that differ, none of them empty")
        return self

    def client(self, *key: object) -> Client:
        """The kind of client drawn for a key, each as often as any other."""
        return self.clients[int(share(*key, "client") * len(self.clients))]

    def facts(self, client: Client, *key: object) -> list[tuple[str, Kind, str]]:
        """Key, kind and value of each fact that such a client can have, in an order of chance."""
        found = []
        for name in sorted(self.ask, key=lambda kind: share(*key, "kind", kind)):
            values = client.only.get(name, self.ask[name].values)
            if values:
                found.append((name, self.ask[name], values[int(share(*key, "value", name) * len(values))]))
        return found

    def sources(self) -> Knowledge:
        """Its files, read. Raises UsageError."""
        try:
            return knowledge(self.knowledge)
        except UsageError as error:
            raise UsageError(f"--input {self.path}: {error}") from None


def page(path: Path) -> Page:
    """The page in a file. Raises UsageError where it is none, or where something on it does not hang together."""
    if path.suffix.lower() != ".toml" or path.is_dir():
        raise UsageError(
            f"--input {path}: expected a page about your assistant, a TOML file that names your knowledge's files "
            "(docs/sectors.md, `domain`)"
        )
    try:
        stat = path.stat()
    except OSError as error:
        raise UsageError(f"--input {path}: {error.strerror}") from None
    return _opened(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8)
def _opened(path: Path, modified: int, size: int) -> Page:
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        return Page.model_validate({**fields, "path": path, "knowledge": _files(path, fields)})
    except ValidationError as error:
        raise UsageError(f"--input {path}: {one_line(error)}") from None
    except (OSError, ValueError) as error:  # a TOML or UTF-8 error is of the latter
        raise UsageError(f"--input {path}: {error}") from None


def _files(path: Path, fields: Mapping[str, Any]) -> tuple[Path, ...]:
    """The files that the page names, seen from where it lies."""
    named = fields.get("knowledge")
    if not isinstance(named, list) or not named or not all(isinstance(name, str) and name for name in named):
        raise ValueError('knowledge: expected a list of files, as ["faq.jsonl", "guide.md"]')
    if len({Path(name).stem for name in named}) < len(named):
        raise ValueError("knowledge: two files of one name; their sources would have the same ids")
    return tuple(path.parent / name for name in named)


def _listed(names: Mapping[str, Any]) -> str:
    return f"there are: {', '.join(names)}" if names else "there is none"
