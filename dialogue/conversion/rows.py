"""Rows of a file, whatever holds them: JSON Lines, one JSON array, CSV, Parquet. None is held longer than it is needed.

A row that cannot be read is a row with its trouble, and reading goes on behind it; only an array that breaks has no
place to go on from.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from dialogue.conversion.elements import elements
from dialogue.conversion.row import Row
from dialogue.errors import UsageError
from dialogue.mixtures import runs_in

BOM = b"\xef\xbb\xbf"
TABLES = (".csv", ".tsv", ".parquet")
SUFFIXES = (".jsonl", ".json", ".ndjson", ".html", *TABLES)
_KNOWN = ("dialogues.jsonl", "kept.jsonl")
"""What stands for a folder: a run's dialogues, or those that a filter has kept."""
_PAGE_DATA = re.compile(rb'<script[^>]*\bid="__NEXT_DATA__"[^>]*>(.*?)</script>', re.DOTALL)
_PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zX": "xz"}


def files(path: Path) -> list[Path]:
    """The files that a path stands for: a run's dialogues, what a filter kept, a hub layout's or a folder's files."""
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    if not path.is_dir():
        return [path]
    if (runs := runs_in(path)) is not None:
        return [file for run in runs for file in files(run)]
    for known in _KNOWN:
        if (path / known).exists():
            return [path / known]
    inside = path / "data" if (path / "data").is_dir() else path
    found = sorted(file for file in inside.iterdir() if file.suffix in SUFFIXES and not file.name.startswith("."))
    if not found:
        raise UsageError(f"{path}: no {', '.join(_KNOWN)}, nor other {', '.join(SUFFIXES)} file in it")
    return found


def rows(path: Path) -> Iterator[Row]:
    """The rows of a file, blank lines left out. Raises UsageError where it cannot be read at all."""
    begin = _begin(path)
    packed = next((name for magic, name in _PACKED.items() if begin.startswith(magic)), None)
    if packed:
        raise UsageError(f"{path}: packed with {packed}; unpack it first")
    if path.suffix.lower() == ".parquet" or begin.startswith(b"PAR1"):
        from dialogue.conversion.tables import parquet_rows

        yield from parquet_rows(path)
    elif path.suffix.lower() in (".csv", ".tsv"):
        from dialogue.conversion.tables import csv_rows

        yield from csv_rows(path)
    elif path.suffix.lower() in (".html", ".htm"):
        yield page_row(path)
    elif begin.removeprefix(BOM).lstrip().startswith(b"["):
        yield from _array(path)
    else:
        yield from _lines(path)


def _begin(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def page_row(path: Path) -> Row:
    """The row in a saved page: the data that its script element carries."""
    data = path.read_bytes()
    found = _PAGE_DATA.search(data)
    if found is None:
        return Row(path, 1, data, trouble="no __NEXT_DATA__ element in the page")
    return Row(path, 1, found[1])


def _lines(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if number == 1:
                line = line.removeprefix(BOM)
            if line.isspace() or not line:
                continue
            yield Row(path, number, line)


def _array(path: Path) -> Iterator[Row]:
    for number, (line, trouble) in enumerate(elements(path), 1):
        yield Row(path, number, line, trouble=trouble)
