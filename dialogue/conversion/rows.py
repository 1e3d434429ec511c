"""Rows of a file, whatever holds them: JSON Lines, one JSON array, CSV, Parquet. None is held longer than it is needed.

A row that cannot be read is a row with its trouble, and reading goes on behind it; only an array that breaks has no
place to go on from.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import orjson

from dialogue.conversion.elements import elements
from dialogue.conversion.row import Row
from dialogue.errors import UsageError
from dialogue.mixtures import KNOWN, standing_for

BOM = b"\xef\xbb\xbf"
TABLES = (".csv", ".tsv", ".parquet")
SUFFIXES = (".jsonl", ".json", ".ndjson", ".html", *TABLES)
DROPPED = ".dropped.jsonl"
"""How the name of a file of refused rows ends."""
_MOST_PRETTY_BYTES = 1 << 26
_PAGE_DATA = re.compile(rb'<script[^>]*\bid="__NEXT_DATA__"[^>]*>(.*?)</script>', re.DOTALL)
_PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zX": "xz"}


def files(path: Path) -> list[Path]:
    """The files that a path stands for: a run's dialogues, what a filter kept, a hub layout's or a folder's files."""
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    if not path.is_dir():
        if not path.is_file():
            raise UsageError(f"{path}: a pipe or a device, which cannot be read twice; write it to a file first")
        return [path]
    if (known := standing_for(path)) is not None:
        return known
    inside = path / "data" if (path / "data").is_dir() else path
    found = sorted(file for file in inside.iterdir() if _read_in_folders(file))
    if not found:
        raise UsageError(f"{path}: no {', '.join(KNOWN)}, nor other {', '.join(SUFFIXES)} file in it")
    return found


def _read_in_folders(file: Path) -> bool:
    hidden = file.name.startswith(".") or file.name.endswith(DROPPED)
    return file.is_file() and file.suffix in SUFFIXES and not hidden


def skipped(path: Path) -> list[str]:
    """What in a folder is not read, by name: folders in it, and files of other kinds; hidden ones are not told."""
    if not path.is_dir() or standing_for(path) is not None:
        return []
    inside = path / "data" if (path / "data").is_dir() else path
    others = (one for one in inside.iterdir() if not one.name.startswith(".") and not _read_in_folders(one))
    return sorted(f"{one.name}/" if one.is_dir() else one.name for one in others)


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


def _pretty(path: Path) -> Row | None:
    """The row in a file that is one object over many lines; None where it is something else."""
    if path.stat().st_size > _MOST_PRETTY_BYTES:
        return None
    data = path.read_bytes().removeprefix(BOM)
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return Row(path, 1, data)


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
            if number == 1 and line.strip() == b"{" and (whole := _pretty(path)) is not None:
                yield whole
                return
            yield Row(path, number, line)


def _array(path: Path) -> Iterator[Row]:
    for number, (line, trouble) in enumerate(elements(path), 1):
        yield Row(path, number, line, trouble=trouble)
