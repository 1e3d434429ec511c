"""Any other JSON, JSONL or CSV layout by a TOML of field names; those in maps/ are shipped and known by their names.

    match = ["question", "answer"]      # an object has all of these
    user = ["question", "details"]      # the user's turn, from fields joined by a blank line
    assistant = "answer"                # a text, or a list of texts or objects: candidates, the first is what is said
    text = "body"                       # where candidates are objects: the field with their text
    score = "votes"                     # ... and the one with their score; the best is then what is said
    system = "setting"                  # the system message
    kind = "category"                   # goes to the seed, as all fields do that are not named

A field within an object is named by its path, as "question.text"; one that is called so itself comes first.
In place of `user` and `assistant`, for dialogues of several turns:

    [history]                           # one text with a label before each turn
    field = "text"
    user = "<human>:"
    assistant = "<bot>:"

    [pairs]                             # a list of objects, each a question and its answer
    field = "turns"
    user = "q"
    assistant = "a"
"""

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from dialogue.errors import UsageError
from dialogue.fields import made, said, text, turns
from dialogue.preferences import Candidate, choice, others, score_of
from dialogue.records import Dialogue, Message, Record, one_line

FOLDER = Path(__file__).parent / "maps"


class Sides(Record):
    """Where the turns of both sides are in a field."""

    field: str = Field(min_length=1)
    user: str = Field(min_length=1)
    assistant: str = Field(min_length=1)


class FieldMap(Record):
    """A layout that is read by field names; it is not written."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    name: str
    about: str = ""
    match: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    assistant: str | None = None
    text: str | None = None
    score: str | None = None
    system: str | None = None
    kind: str | None = None
    history: Sides | None = None
    pairs: Sides | None = None

    @field_validator("match", "user", mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        """A single name may stand without brackets."""
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_way(self) -> "FieldMap":
        single = bool(self.user) and self.assistant is not None
        if [single, self.history is not None, self.pairs is not None].count(True) != 1 or bool(self.user) != single:
            raise ValueError("expected one of: `user` with `assistant`, [history], [pairs]")
        named = (*self.match, *self.user, self.assistant, self.system, self.kind, self.text, self.score)
        if any(name is not None and not name.strip() for name in named):
            raise ValueError("a field without a name")
        sides = self.history or self.pairs
        users, assistant = ((sides.user,), sides.assistant) if sides else (self.user, self.assistant)
        if assistant in users:
            raise ValueError(f"{assistant!r} is said to be the user's and the assistant's")
        return self

    @cached_property
    def used(self) -> tuple[str, ...]:
        """Fields that are read; the others go to the seed."""
        sides = [one.field for one in (self.history, self.pairs) if one]
        return tuple(name for name in (*self.user, self.assistant, self.system, self.kind, *sides) if name)

    def recognise(self, fields: Mapping[str, Any]) -> bool:
        """Whether an object has the fields that the map wants."""
        wanted, fields = self.match or self.used, self._reached(fields)
        sides = self.history
        labelled = sides is None or (isinstance(fields.get(sides.field), str) and sides.user in fields[sides.field])
        return labelled and all(name in fields for name in wanted)

    def from_object(self, fields: Mapping[str, Any]) -> Dialogue:
        """The dialogue in an object; ValueError where there is none."""
        fields = self._reached(fields)
        messages = self._turns(fields)
        before = text(fields, self.system, "") if self.system else ""
        if before.strip():
            messages.insert(0, Message(role="system", content=before))
        kind = fields.get(self.kind) if self.kind else None
        own = {"system": fields["system"]} if "system" in fields and self.system != "system" else {}
        return made(messages, fields, (*self.used, "system"), extra=own, kind=str(kind) if kind is not None else None)

    def _reached(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """The fields with those that are named by paths."""
        found: dict[str, Any] = {}
        for name in (*self.match, *self.used):
            if "." in name and name not in fields:
                value: Any = fields
                for part in name.split("."):
                    value = value.get(part) if isinstance(value, Mapping) else None
                if value is not None:
                    found[name] = value
        return {**fields, **found} if found else fields

    def _turns(self, fields: Mapping[str, Any]) -> list[Message]:
        if self.pairs:
            return _paired(fields, self.pairs)
        if self.history:
            return _labelled(fields, self.history)
        parts = [said(fields, self.user[0]), *(text(fields, name, "") for name in self.user[1:])]
        (question,) = turns("\n\n".join(part for part in parts if part.strip()))
        return [question, self._answer(fields)]

    def _answer(self, fields: Mapping[str, Any]) -> Message:
        assert self.assistant is not None
        value = fields.get(self.assistant)
        if not isinstance(value, list):
            return turns("", said(fields, self.assistant))[1]
        found: list[Candidate] = []
        for place, one in enumerate(value, 1):
            part = one if isinstance(one, dict) else {"content": one}
            try:
                content = said(part, self.text if self.text and isinstance(one, dict) else "content")
                more = others(part, ("content", *filter(None, (self.text, self.score))))
                found.append({"content": content, "score": score_of(part, self.score) if self.score else None, **more})
            except ValueError as error:
                raise ValueError(f"{self.assistant}.{place}: {error}") from None
        if not found:
            raise ValueError(f"{self.assistant}: is empty")
        return choice(found) if len(found) > 1 else turns("", found[0]["content"])[1]


def _paired(fields: Mapping[str, Any], sides: Sides) -> list[Message]:
    value = fields.get(sides.field)
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        raise ValueError(f"{sides.field}: expected a list of objects that is not empty")
    return turns(*(said(one, name) for one in value for name in (sides.user, sides.assistant)))


def _labelled(fields: Mapping[str, Any], sides: Sides) -> list[Message]:
    parts = re.split(f"(?:^|\n)[ \t]*({re.escape(sides.user)}|{re.escape(sides.assistant)})", said(fields, sides.field))
    labels, contents = parts[1::2], [part.strip() for part in parts[2::2]]
    if parts[0].strip() or not labels:
        raise ValueError(f"{sides.field}: expected to begin with {sides.user}")
    for place, label in enumerate(labels):
        if label != (sides.user, sides.assistant)[place % 2]:
            raise ValueError(f"{sides.field}: turn {place + 1} is {label} again; turns alternate")
    if not all(contents):
        raise ValueError(f"{sides.field}: a turn is empty")
    if len(contents) == 1:
        within = "; a label within a line is read as words" if sides.assistant in contents[0] else ""
        raise ValueError(f"{sides.field}: no turn is {sides.assistant}'s{within}")
    return turns(*contents)


def known_keys(table: Mapping[str, Any], known: list[str], path: Path) -> None:
    """UsageError for a key that no map has, with the nearest one that it may have."""
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            raise UsageError(f"{path}: unknown key {key!r}; {f'did you mean {near[0]}?' if near else ', '.join(known)}")


def shipped() -> list[str]:
    """The maps that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def loaded(path: Path) -> FieldMap:
    """The map in a file. Raises UsageError where it is none."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    try:
        known_keys(table, [name for name in FieldMap.model_fields if name != "name"], path)
        found = FieldMap.model_validate({"name": path.stem, **table})
        return found if found.about else found.model_copy(update={"about": ", ".join(found.match or found.used)})
    except ValidationError as error:
        raise UsageError(f"{path}: {one_line(error)}") from None
