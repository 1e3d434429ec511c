"""The rows of a benchmark's file: JSON Lines, a JSON array, CSV or Parquet, told apart by content and suffix.

A row is an object of named fields, or a plain string. Unlike a run's own files, a benchmark's are whole: a torn last
line is an error, not a line that is still to come.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson

from dialogue.conversion.rows import packed_with
from dialogue.errors import UsageError
from dialogue.jsonl import kind_of

Row = str | dict[str, Any]

SUFFIXES = (".jsonl", ".json", ".ndjson", ".csv", ".parquet")
_BOM = b"\xef\xbb\xbf"
_MOST_CELL = 1 << 27
"""Characters of a CSV cell; the csv module's own limit of 131,072 is shorter than some passages."""


def data_files(path: Path) -> list[Path]:
    """The file itself, or the data files of a folder in the order of their names."""
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    if not path.is_dir():
        return [path]
    inside = path / "data" if (path / "data").is_dir() else path  # as in a hub's layout
    found = sorted(file for file in inside.iterdir() if file.suffix in SUFFIXES and not file.name.startswith("."))
    if not found:
        raise UsageError(f"{path}: no {', '.join(SUFFIXES)} file in it")
    return found


def rows(path: Path, data: bytes, columns: Sequence[str] | None = None) -> Iterator[tuple[str, Row]]:
    """Each row and its place in the file. `columns` names those of a CSV file without a header line.

    Raises UsageError with the place for what is no row.
    """
    if not data.strip():
        raise UsageError(f"{path}: empty")
    if (packed := packed_with(data)) is not None:
        raise UsageError(f"{path}: packed with {packed}; unpack it first")
    if path.suffix == ".parquet" or data.startswith(b"PAR1"):
        yield from _parquet(path, data)
    elif path.suffix == ".csv":
        yield from _csv(path, data, columns)
    elif data.removeprefix(_BOM).lstrip().startswith(b"["):
        yield from _array(path, data)
    else:
        yield from _lines(path, data)


def _lines(path: Path, data: bytes) -> Iterator[tuple[str, Row]]:
    for number, line in enumerate(data.removeprefix(_BOM).split(b"\n"), 1):
        if line.strip():
            place = f"{path}:{number}"
            yield place, _row(place, _json(path, line, number))


def _array(path: Path, data: bytes) -> Iterator[tuple[str, Row]]:
    for number, value in enumerate(_json(path, data.removeprefix(_BOM), None), 1):
        place = f"{path}: row {number}"
        yield place, _row(place, value)


def _json(path: Path, data: bytes, line: int | None) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{path}:{line or error.lineno}: not JSON ({error.msg})") from None


def _row(place: str, value: object) -> Row:
    if not isinstance(value, str | dict):
        raise UsageError(f"{place}: {kind_of(value)}, expected an object or a string")
    return value


def _csv(path: Path, data: bytes, columns: Sequence[str] | None) -> Iterator[tuple[str, Row]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}") from None
    limit = csv.field_size_limit(_MOST_CELL)
    table = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        cells = [(table.line_num, row) for row in table if row]
    except csv.Error as error:
        raise UsageError(f"{path}:{table.line_num}: not CSV ({error})") from None
    finally:
        csv.field_size_limit(limit)
    header = columns or cells.pop(0)[1]
    for line, row in cells:
        if len(row) != len(header):
            raise UsageError(f"{path}:{line}: {len(row)} cells, expected {len(header)} ({', '.join(header)})")
        yield f"{path}:{line}", dict(zip(header, row, strict=True))


def _parquet(path: Path, data: bytes) -> Iterator[tuple[str, Row]]:
    try:
        parquet = import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        raise UsageError(f"{path}: Parquet needs pyarrow: pip install 'duologue[parquet]'") from None
    try:
        table = parquet.read_table(io.BytesIO(data)).to_pylist()
    except (OSError, ValueError) as error:  # pyarrow's own are of these
        raise UsageError(f"{path}: not Parquet ({str(error).splitlines()[0]})") from None
    for number, fields in enumerate(table, 1):
        yield f"{path}: row {number}", fields
