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
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool, ValidationError, model_validator

from dialogue.chance import share
from dialogue.errors import UsageError
from dialogue.records import Record, one_line
from prompts.facts import Kind
from prompts.knowledge import Knowledge

MOST_CHARACTERS = 600
"""A longer line on the page is something else, pasted by mistake."""

WHO = "who"


def _plain(text: str) -> str:
    """The text on one line. Raises ValueError where there is none of it, or too much."""
    line = " ".join(text.split())
    if not line or len(line) > MOST_CHARACTERS:
        raise ValueError("empty" if not line else f"longer than {MOST_CHARACTERS} characters: expected a line")
    return line


Line = Annotated[str, AfterValidator(_plain)]


class Client(Record):
    """A kind of people who come."""

    who: Line
    only: dict[str, tuple[Line, ...]] = Field(default_factory=dict)
    """The values that facts can have with them, by key; none: they have no such fact."""

    @model_validator(mode="before")
    @classmethod
    def _from_page(cls, row: Any) -> Any:
        """A text, or a table whose other keys are those of facts."""
        if isinstance(row, dict) and WHO not in row:
            raise ValueError(f"no {WHO!r} in {str(row)[:60]}: expected a kind of people, and values of facts")
        if isinstance(row, dict):
            return {WHO: row[WHO], "only": {key: value for key, value in row.items() if key != WHO}}
        return {WHO: row}


class Boundary(Record):
    """What the assistant must not do."""

    what: Line
    why: Line | None = None
    """The reason, as it tells it."""

    @model_validator(mode="before")
    @classmethod
    def _from_page(cls, row: Any) -> Any:
        return row if isinstance(row, dict) else {"what": row}


class Ask(Kind):
    """A fact that the assistant has to know, with wordings and values of one line each."""

    tell: Line
    ask: Line
    values: tuple[Line, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _differ(self) -> "Ask":
        if len(set(self.values)) < len(self.values):
            raise ValueError("values: expected values that differ")
        return self


class Page(Record):
    """What the page says."""

    path: Path
    assistant: Line
    knowledge: tuple[Path, ...] = Field(min_length=1)
    clients: tuple[Client, ...] = Field(min_length=1)
    decline: tuple[Boundary, ...] = Field(min_length=1)
    refer: Line | None = None
    cite: StrictBool = False
    """Whether its answers name the ids of the sources that they rest on, in square brackets."""
    keep_notes: StrictBool = False
    """Whether the record keeps what the assistant was told, sources and all, as its system message."""
    ask: dict[str, Ask] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _hangs_together(self) -> "Page":
        if WHO in self.ask:
            raise ValueError(f"ask.{WHO}: stands for the kind of client; choose another name")
        for client in self.clients:
            for key, values in client.only.items():
                if key not in self.ask:
                    raise ValueError(f"clients: {client.who!r}: {key!r} is no fact of [ask] ({_listed(self.ask)})")
                if stray := set(values) - set(self.ask[key].values):
                    raise ValueError(f"clients: {client.who!r}: {key}: {sorted(stray)[0]!r} is none of its values")
        lines_of = {"clients": [one.who for one in self.clients], "decline": [one.what for one in self.decline]}
        for name, lines in lines_of.items():
            if len(set(lines)) < len(lines):
                raise ValueError(f"{name}: expected lines that differ")
        return self

    def client(self, *key: object) -> Client:
        """The kind of client drawn for a key, each as often as any other."""
        return self.clients[int(share(*key, "client") * len(self.clients))]

    def facts(self, client: Client, *key: object) -> list[tuple[str, Kind, str]]:
        """Key, kind and value of each fact that such a client can have, in an order of chance."""
        found: list[tuple[str, Kind, str]] = []
        for name in sorted(self.ask, key=lambda kind: share(*key, "kind", kind)):
            values = client.only.get(name, self.ask[name].values)
            if values:
                found.append((name, self.ask[name], values[int(share(*key, "value", name) * len(values))]))
        return found

    def asks(self, client: Client | None = None) -> list[str]:
        """What the assistant has to know, of those facts that such a client can have."""
        return [kind.ask for name, kind in self.ask.items() if client is None or client.only.get(name, kind.values)]

    @cached_property
    def sources(self) -> Knowledge:
        """Its files, read once: what is changed in them later is another run's. Raises UsageError."""
        try:
            return Knowledge(self.knowledge)
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
        fields = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        _known(fields)
        return Page.model_validate({**fields, "path": path, "knowledge": _files(path, fields)})
    except ValidationError as error:
        raise UsageError(f"--input {path}: {one_line(error)}") from None
    except OSError as error:
        raise UsageError(f"--input {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--input {path}: not UTF-8; save it as UTF-8") from None
    except ValueError as error:  # a TOML error is one
        raise UsageError(f"--input {path}: {error}") from None


@lru_cache(maxsize=4)
def example(path: Path) -> Page:
    """A page that is shipped, read once."""
    return page(path)


def _known(fields: Mapping[str, Any]) -> None:
    """Raise ValueError for keys that say nothing here, and for those that are missing or hold something else."""
    known = [name for name in Page.model_fields if name != "path"]
    for name in fields:
        if name not in known:
            near = get_close_matches(name, known, n=2)
            raise ValueError(f"unknown key {name!r}; {'did you mean ' + ' or '.join(near) if near else _listed(known)}")
    asks = fields.get("ask", {})
    for name, table in asks.items() if isinstance(asks, dict) else ():
        if isinstance(table, dict) and (stray := [key for key in table if key in known and key != "ask"]):
            raise ValueError(f"ask.{name}: {stray[0]} is of the page: it stands above the first line in [brackets]")
    for name, what in (("clients", "kinds of people who come"), ("decline", "what the assistant must not do")):
        if not isinstance(fields.get(name), list) or not fields[name]:
            raise ValueError(f"{name}: expected a list of {what}, one at least")


def _files(path: Path, fields: Mapping[str, Any]) -> tuple[Path, ...]:
    """The files that the page names, seen from where it lies."""
    named = fields.get("knowledge")
    if not isinstance(named, list) or not named or not all(isinstance(name, str) and name for name in named):
        raise ValueError('knowledge: expected a list of files, as ["faq.jsonl", "guide.md"]')
    if any("\0" in name for name in named):
        raise ValueError("knowledge: a file's name with a NUL in it")
    stems: dict[str, str] = {}
    for name in named:
        if (other := stems.setdefault(Path(name).stem, name)) != name or named.count(name) > 1:
            raise ValueError(f"knowledge: {other} and {name} have one name; their sources would have the same ids")
    return tuple(path.parent / name for name in named)


def _listed(names: Mapping[str, Any] | list[str]) -> str:
    return f"there are: {', '.join(names)}" if names else "there is none"
