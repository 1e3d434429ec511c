"""Seed tasks: instructions, with what they work on, that new ones are made after.

A file has one JSON object a line, as Self-Instruct's and BELLE's have it: `instruction`; `input`, or `instances` with
an `input` in the first; `is_classification`, or `kind`; `id` and `language` if wanted. A plain line is an instruction.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

import orjson

from dialogue.chance import hex64
from dialogue.errors import UsageError
from dialogue.records import Record
from prompts.brought import lacking, no_object

Kind = Literal["classification", "closed", "open"]
KINDS: tuple[Kind, ...] = ("classification", "closed", "open")
"""A choice among labels; a task on something that stands in it; anything else."""

ALL = "any"
FALLBACK = "en"
MOST_CHARACTERS = 8_000


class Task(Record):
    """One seed task."""

    id: str
    kind: Kind
    instruction: str
    input: str = ""
    """What the instruction works on; empty where it needs nothing."""
    language: str | None = None

    @property
    def line(self) -> str:
        """The task as one line of a prompt."""
        return in_one_line("\n\n".join(filter(None, (self.instruction, self.input))))

    @property
    def title(self) -> str:
        """The first words of the instruction."""
        words = self.instruction.split()
        return " ".join(words[:8]) + (" ..." if len(words) > 8 else "") if len(words) > 1 else self.instruction[:40]


def in_one_line(text: str) -> str:
    """A task's text on one line: a bar stands for the first empty line, a slash for any other line's end."""
    instruction, _, rest = text.partition("\n\n")
    parts = (
        " / ".join(" ".join(line.split()) for line in part.split("\n") if line.strip()) for part in (instruction, rest)
    )
    return " | ".join(filter(None, parts))


def tasks(text: str, place: str, kind: str, language: str, *, shown: bool) -> list[Task]:
    """The tasks of a kind that serve a language, all kinds where the file has none of this one.

    `shown`: the file is the sector's own, whose English tasks serve languages without any.
    """
    found = _read(text, place)
    codes = (language, language.split("-")[0], *((FALLBACK,) if shown else ()))
    code = next((code for code in codes if any(task.language == code for task in found)), language)
    fitting = [task for task in found if task.language in (code, None)]
    if not fitting:
        raise UsageError(
            f"{place}: no task in {language} (there are: {', '.join(sorted({str(t.language) for t in found}))})"
        )
    return [task for task in fitting if kind in (task.kind, ALL)] or fitting


@lru_cache(maxsize=8)
def _read(text: str, place: str) -> tuple[Task, ...]:
    """Every line that is not blank. Raises UsageError with the place of one that is no task, or stands there twice."""
    found: dict[tuple[str, str], int] = {}
    read: list[Task] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            task = _task(line.strip())
            first = found.setdefault((task.instruction, task.input), number)
            if first != number:
                raise ValueError(f"{task.instruction[:40]!r} stands in line {first} already")
        except ValueError as error:
            raise UsageError(f"{place}:{number}: {error}") from None
        read.append(task)
    if not read:
        raise UsageError(f"{place}: empty, expected a task a line")
    return tuple(read)


def _task(line: str) -> Task:
    if not line.startswith(("{", "[", '"')):
        return _made({"instruction": line})
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error})") from None
    if isinstance(row, str):
        return _made({"instruction": row})
    if not isinstance(row, dict):
        raise no_object(row, "a JSON object with `instruction`, or a plain line")
    return _made(row)


def _made(row: Mapping[str, Any]) -> Task:
    instances = row.get("instances")
    first = instances[0] if isinstance(instances, list) and instances else row
    if row.get("instruction") is None:
        raise lacking(row, "no instruction: expected it under instruction")
    instruction = _text(row, "instruction")
    if not any(map(str.isalnum, instruction)):
        raise ValueError("instruction: no word in it")
    input = _text(first, "input") if isinstance(first, dict) and first.get("input") is not None else ""
    guess = "classification" if row.get("is_classification") is True else "closed" if input else "open"
    kind = row.get("kind") or guess
    if kind not in KINDS:
        raise ValueError(f"kind: got {str(kind)[:40]!r}, expected {', '.join(KINDS)}")
    language = row.get("language")
    return Task(
        id=str(row.get("id") or hex64(instruction, input)),
        kind=next(known for known in KINDS if known == kind),
        instruction=instruction,
        input=input,
        language=str(language) if language else None,
    )


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key}: {str(value)[:40]!r} is a {type(value).__name__}, expected text")
    if len(value) > MOST_CHARACTERS:
        raise ValueError(f"{key}: {len(value):,} characters, expected at most {MOST_CHARACTERS:,}")
    return value.strip()
