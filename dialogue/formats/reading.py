"""Dialogues from a path in any format that has a file here; the file's name is the format's name."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

from dialogue.errors import UsageError
from dialogue.jsonl import kind_of, objects
from dialogue.records import Dialogue

_NO_FORMATS = ("__init__", "reading")


def names() -> list[str]:
    """All formats there are."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in _NO_FORMATS)


def named(name: str) -> ModuleType:
    """The format of this name. Raises UsageError where there is none."""
    if name not in names():
        raise UsageError(f"format {name!r}: no such format (there are: {', '.join(names())})")
    return import_module(f"dialogue.formats.{name}")


def read(path: Path, format: str | None = None) -> Iterator[Dialogue]:
    """The dialogues of a run's or a filter's folder or a file, JSON Lines or one JSON array; row by row recognised.

    A filter's folder gives what was kept. Raises UsageError with `path:line` for a row that is no dialogue.
    """
    if path.is_dir():
        kept = path / "kept.jsonl"
        path = path / "dialogues.jsonl"
        path = kept if kept.exists() and not path.exists() else path
    if not path.exists():
        raise UsageError(f"{path}: no such file")
    known = [named(format)] if format else [named(name) for name in names()]
    for number, fields in _rows(path):
        found = next((one for one in known if one.recognise(fields)), None)
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
