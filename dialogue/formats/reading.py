"""Dialogues from a path in any format that has a file here; the file's name is the format's name."""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

from dialogue.errors import UsageError
from dialogue.jsonl import kind_of, objects
from dialogue.mixtures import runs_in
from dialogue.records import Dialogue

_NO_FORMATS = ("__init__", "reading", "field_map", "sharegpt_pages")
"""What reads and writes nothing, or reads alone."""


@cache
def names() -> list[str]:
    """All formats that have a file here."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in _NO_FORMATS)


def named(name: str) -> ModuleType:
    """The format of this name. Raises UsageError where there is none."""
    if name not in names():
        near = get_close_matches(name, names(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names())}"
        raise UsageError(f"format {name!r}: no such format ({hint})")
    return import_module(f"dialogue.formats.{name}")


@cache
def known() -> tuple[ModuleType, ...]:
    """The formats that an object may be recognised as, our own first; those read only when asked for are left out."""
    found = [named(name) for name in names()]
    found = [one for one in found if not getattr(one, "asked_only", False)]
    return tuple(sorted(found, key=lambda one: one.__name__ != "dialogue.formats.messages"))


def read(path: Path, format: str | None = None) -> Iterator[Dialogue]:
    """The dialogues of a run's or a filter's folder or a file, JSON Lines or one JSON array; row by row recognised.

    A filter's folder gives what was kept. Raises UsageError with `path:line` for a row that is no dialogue.
    """
    runs = runs_in(path)
    if runs is not None:
        for run in runs:
            yield from read(run, format)
        return
    if path.is_dir():
        kept = path / "kept.jsonl"
        path = path / "dialogues.jsonl"
        path = kept if kept.exists() and not path.exists() else path
    if not path.exists():
        raise UsageError(f"{path}: no such file")
    formats = [named(format)] if format else known()
    for number, fields in _rows(path):
        found = next((one for one in formats if one.recognise(fields)), None)
        try:
            if found is None:
                raise ValueError(f"no dialogue of any known format ({', '.join(names())})")
            yield found.from_object(fields)
        except ValueError as error:
            raise UsageError(f"{path}:{number}: {error}") from None


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open("rb") as file:
        array = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    if not array:
        yield from objects(path)
        return
    try:
        rows = orjson.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}: not JSON ({error.msg})") from None
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise UsageError(f"{path}:{number}: {kind_of(row)}, expected a JSON object")
        yield number, row
