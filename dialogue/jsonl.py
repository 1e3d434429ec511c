"""JSON Lines, split on the newline byte alone: U+2028 and its kin occur in real data and end no line."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from dialogue.errors import UsageError


def objects(path: Path, start: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number (from 1) and object of each line from byte `start` on; blank lines are passed over.

    A last line without its newline is read if it is whole JSON and passed over if it is torn. Raises UsageError
    with `path:line` for any other line that is not a JSON object.
    """
    with path.open("rb") as file:
        file.seek(start)
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                if not line.endswith(b"\n"):
                    return
                raise UsageError(f"{path}:{number}: not JSON ({error})") from None
            if not isinstance(value, dict):
                raise UsageError(f"{path}:{number}: {kind_of(value)}, expected a JSON object")
            yield number, value


def kind_of(value: object) -> str:
    """What a JSON value is, for a person: a list, a number, null."""
    kinds: dict[type, str] = {dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number"}
    return "null" if value is None else kinds.get(type(value), "true or false")


def write_atomically(path: Path, chunks: Iterable[bytes]) -> None:
    """Put the chunks in the file as a whole or not at all, synced to disk."""
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
