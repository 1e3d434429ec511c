"""Field maps: which fields of a benchmark's rows are the id, the question, the answer and the passage.

A map is one TOML, of `filters/benchmarks/` or of the user's own:

    fields = ["prompt", "code"]     a row with all of these is taken for one of this benchmark
    question = "turns[].content"    a field, a path into nested ones, or a list of them; a list's elements are turns
    answer = "code"                 likewise; optional, as are all below
    choices = "choices"             where the answer is a number or a letter, it means one of these
    passage = "context"
    passage_opens = "This question refers to"    a question that opens so is a passage but for its last line
    id = "task_id"                  else the row's number, from 0
    plain = true                    rows are strings, not objects
    columns = ["question", "A"]     of a CSV file without a header line
    file_names = ["vicuna"]         which of several maps with equal fields is meant: by a part of the file's name,
    ids = [1, 80]                   or by the range of its ids
    path = "data.jsonl"             the file, relative to the TOML; only in a map that is given alone
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from dialogue.errors import UsageError
from dialogue.records import one_line
from filters.leaks.readers import Row

HOME = Path(__file__).parents[1] / "benchmarks"
Paths = str | tuple[str, ...]


class FieldMap(BaseModel):
    """One field map."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    fields: tuple[str, ...] = ()
    question: Paths = ()
    answer: Paths = ()
    choices: Paths = ()
    passage: Paths = ()
    passage_opens: str | None = None
    id: str | None = None
    plain: bool = False
    columns: tuple[str, ...] = ()
    file_names: tuple[str, ...] = ()
    ids: tuple[int, int] | None = None
    path: str | None = None

    def fits(self, row: Row) -> bool:
        """Whether the row is laid out as this map says."""
        if isinstance(row, str):
            return self.plain
        return not self.plain and all(field in row for field in self.fields)

    def texts(self, row: Row, paths: Paths) -> tuple[str, ...]:
        """The texts at these paths that are not blank."""
        if isinstance(row, str):
            return (row,) if row.strip() else ()
        named = (paths,) if isinstance(paths, str) else paths
        found = (text for path in named for text in _walk(row, path.replace("[]", "").split(".")))
        return tuple(text for text in found if text.strip())

    def has_question(self, row: Row) -> bool:
        """Whether one of the question's fields is in the row, though it may be empty."""
        if isinstance(row, str):
            return self.plain
        named = (self.question,) if isinstance(self.question, str) else self.question
        return any(path.split(".")[0].replace("[]", "") in row for path in named)

    def answers(self, row: Row) -> tuple[str, ...]:
        """The answer's texts; a number or a letter is taken for the choice that it stands for."""
        if isinstance(row, str) or not self.answer:
            return ()
        answers = self.texts(row, self.answer)
        choices = self.texts(row, self.choices)
        if not choices or len(answers) != 1:
            return answers
        at = int(answers[0]) if answers[0].isdecimal() else "ABCDEFGHIJ".find(answers[0].strip().upper())
        return (choices[at],) if 0 <= at < len(choices) and len(answers[0].strip()) <= 2 else answers


def _walk(value: object, path: Sequence[str]) -> Iterator[str]:
    if isinstance(value, list):
        for element in value:
            yield from _walk(element, path)
    elif isinstance(value, dict) and path:
        yield from _walk(value.get(path[0]), path[1:])
    elif isinstance(value, str) and not path:
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool) and not path:
        yield str(value)


@cache
def known() -> Mapping[str, FieldMap]:
    """The maps of this package by name."""
    return {path.stem: read_map(path) for path in sorted(HOME.glob("*.toml"))}


def read_map(path: Path) -> FieldMap:
    """The map in a TOML; its name is the file's where it says no other."""
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None
    for key in data:
        if key not in FieldMap.model_fields:
            near = get_close_matches(key, FieldMap.model_fields, n=2)
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(FieldMap.model_fields)}"
            raise UsageError(f"{path}: unknown key {key!r} ({hint})")
    try:
        found = FieldMap(**{"name": path.stem, **data})
    except ValidationError as error:
        raise UsageError(f"{path}: {one_line(error)}") from None
    if not found.question and not found.plain:
        raise UsageError(f"{path}: no `question`: say which field holds it, or `plain = true` for a list of strings")
    return found


def recognise(row: Row, place: str, names: Sequence[str], ids: tuple[int, int] | None) -> tuple[FieldMap, str]:
    """The one map that fits a file's rows, and what its benchmark is called.

    The map is that with the most fields, and of equals that of a file's name or its ids. `names` are parts of the path,
    from the file's on; `ids` the least and greatest id where all are numbers. The benchmark bears the map's name where
    the path or the ids say that it is that one, else the file's: its layout alone says nothing. Raises UsageError that
    names the fields.
    """
    fitting = [one for one in known().values() if one.fits(row)]
    most = max((len(one.fields) for one in fitting), default=0)
    fitting = [one for one in fitting if len(one.fields) == most]
    if not fitting:
        raise UsageError(_unknown(row, place))
    for name in map(_squeezed, names):
        told = [one for one in fitting if any(part in name for part in (_squeezed(one.name), *one.file_names))]
        if len(told) == 1:
            return told[0], told[0].name
    told = [one for one in fitting if one.ids and ids and one.ids[0] <= ids[0] and ids[1] <= one.ids[1]]
    return (told[0], told[0].name) if len(told) == 1 else (fitting[0], names[0])


def _squeezed(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _unknown(row: Row, place: str) -> str:
    fields = ", ".join(row) if isinstance(row, dict) else "a plain string"
    return (
        f'{place}: no known benchmark has these fields ({fields}): write a TOML with `question = "FIELD"`, and '
        f"`answer`, `id`, `passage` where there are such, and give it as MAP.toml={place.split(':')[0]}"
    )
