"""A file that a user brings, before anyone reads its lines: what is no file of lines is read as such, or refused.

A table (CSV, TSV, Parquet), a JSON array and one object over many lines become lines of JSON. Lines themselves, plain
or of JSON, are left to whoever knows what stands in them.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dialogue.conversion.rows import layout, packed_with, rows
from dialogue.errors import UsageError
from dialogue.jsonl import kind_of

JSON, PLAIN = (".jsonl", ".json", ".ndjson"), (".txt", ".md", ".text")
LOOKED_AT = 1 << 16
"""Bytes in which a byte 0 tells that a file is no text."""
TALKS = ("messages", "conversations")


@contextmanager
def by(option: str) -> Iterator[None]:
    """Any trouble with a file is a UsageError that begins with the option that brought it."""
    try:
        yield
    except UsageError as error:
        raise UsageError(str(error) if str(error).startswith("--") else f"{option} {error}") from None


def as_lines(path: Path) -> list[bytes] | None:
    """The rows of a file as lines of JSON; None where its own lines are what is to be read.

    Blank ones stand for lines of a CSV file in which no row begins. Raises UsageError where it holds neither.
    """
    try:
        if path.is_dir():
            raise UsageError(f"{path}: a folder, expected a file")
        with path.open("rb") as file:
            begin = file.read(LOOKED_AT)
        if path.suffix.lower() in PLAIN and packed_with(begin) is None:
            held = "lines"
        else:
            held = layout(path)
        if held == "page":
            raise UsageError(f"{path}: a page of HTML; write what it says to a file of plain text (.txt)")
        if held == "lines":
            if b"\0" in begin:
                raise UsageError(f"{path}: no text: a byte 0 stands in it; save it as UTF-8")
            return _whole(path)
        return _lines(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def text_of(path: Path, option: str) -> str:
    """The text of a file, its rows as lines of JSON where its own lines are none. UsageError names the option."""
    with by(option):
        found = as_lines(path)
        if found is not None:
            return b"".join(found).decode()
        try:
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise UsageError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
        if option == "--input" and path.suffix.lower() in JSON:  # elsewhere plain lines may stand among others
            _check_json(path, text)
        return text


def _check_json(path: Path, text: str) -> None:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.lstrip().startswith(("{", '"')):
            raise UsageError(f"{path}:{number}: no JSON object or text; a file of plain lines ends with .txt")


def _whole(path: Path) -> list[bytes] | None:
    """The row of a file that is one object over many lines."""
    if path.suffix.lower() in PLAIN:
        return None
    first = next(rows(path), None)
    return _lines(path) if first is not None and b"\n" in first.line.rstrip() else None


def _lines(path: Path) -> list[bytes]:
    found: list[bytes] = []
    for row in rows(path):
        found += [b"\n"] * (row.number - len(found) - 1)
        try:
            found.append(row.as_line())
        except ValueError as error:
            raise UsageError(f"{row.place}: {error}") from None
    return found


def no_object(value: object, wanted: str) -> ValueError:
    """What to say of a row that is no object."""
    return ValueError(f"{kind_of(value)}, expected {wanted}")


def lacking(fields: Mapping[str, Any], wanted: str) -> ValueError:
    """What to say of a row that has nothing of what is wanted."""
    talk = any(isinstance(fields.get(name), list) for name in TALKS)
    hint = "; dialogues are taken up by the sectors continue, reanswer and preference" if talk else ""
    return ValueError(f"{wanted} (fields: {', '.join(fields)[:80] or 'none'}){hint}")
