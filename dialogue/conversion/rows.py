"""Rows of a file, whatever holds them: JSON Lines, one JSON array, CSV, Parquet. None is held longer than it is needed.

A row that cannot be read is a row with its trouble, and reading goes on behind it; only an array that breaks has no
place to go on from.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import orjson

from dialogue.conversion.elements import elements
from dialogue.conversion.not_data import refuse_known
from dialogue.conversion.row import Row
from dialogue.errors import UsageError
from dialogue.mixtures import KNOWN, standing_for

BOM = b"\xef\xbb\xbf"
KINDS = ((".jsonl", ".json", ".ndjson"), (".parquet",), (".csv", ".tsv"), (".html",))
"""What is read in a folder: the first kind that it has a file of; a table beside dialogues is about them."""
SUFFIXES = tuple(suffix for kind in KINDS for suffix in kind)
DROPPED = ".dropped.jsonl"
"""How the name of a file of refused rows ends."""
_ABOUT = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
"""What a hub's layout tells about its files, beside them."""
_OF_OTHERS = {
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "a workbook; save it as CSV"),
    ".arrow": "Arrow's own format; write it as Parquet",
}
"""What is not read, by the end of its name, with the mend."""
_MOST_PRETTY_BYTES = 1 << 26
_PAGE_DATA = re.compile(rb'<script[^>]*\bid="__NEXT_DATA__"[^>]*>(.*?)</script>', re.DOTALL)
_PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zX": "xz"}


def files(path: Path) -> list[Path]:
    """The files that a path stands for: a run's dialogues, what a filter kept, a hub layout's or a folder's files."""
    try:
        return _files(path)
    except OSError as error:  # no leave to look into a folder, a name too long
        raise UsageError(f"{path}: {error.strerror}") from None


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    if not path.is_dir():
        if not path.is_file():
            raise UsageError(f"{path}: a pipe or a device, which cannot be read twice; write it to a file first")
        return [path]
    if (known := standing_for(path)) is not None:
        return known
    refuse_known(path)
    found = _read_in(path)
    if not found:
        raise UsageError(f"{path}: no {', '.join(KNOWN)}, nor other {', '.join(SUFFIXES)} file in it")
    return found


def _inside(path: Path) -> Path:
    """The folder with the data: of a hub's layout the one within."""
    return path / "data" if (path / "data").is_dir() else path


def _read_in(path: Path) -> list[Path]:
    """The files of a folder that are read: all of one kind."""
    there = [file for file in _inside(path).iterdir() if file.is_file() and not _passed_over(file)]
    of_kinds = ([file for file in there if file.suffix in kind] for kind in KINDS)
    return sorted(next(filter(None, of_kinds), []))


def _passed_over(file: Path) -> bool:
    return file.name.startswith(".") or file.name.endswith(DROPPED) or file.name in _ABOUT


def skipped(path: Path) -> list[str]:
    """What in a folder is not read, by name: folders in it, and files of other kinds; hidden ones are not told."""
    try:
        if not path.is_dir() or standing_for(path) is not None:
            return []
        read = _read_in(path)
        others = (one for one in _inside(path).iterdir() if not one.name.startswith(".") and one not in read)
        return sorted(f"{one.name}/" if one.is_dir() else one.name for one in others)
    except OSError:  # told by whoever reads it
        return []


def layout(path: Path) -> Literal["lines", "array", "csv", "parquet", "page"]:
    """How a file holds its rows. Raises UsageError where it cannot be read."""
    begin, suffix = _begin(path), path.suffix.lower()
    if suffix in _OF_OTHERS:
        raise UsageError(f"{path}: {_OF_OTHERS[suffix]}")
    if (packed := packed_with(begin)) is not None:
        raise UsageError(f"{path}: packed with {packed}; unpack it first")
    if begin.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"{path}: UTF-16; save it as UTF-8")
    if suffix == ".parquet" or begin.startswith(b"PAR1"):
        return "parquet"
    if suffix in (".csv", ".tsv"):
        return "csv"
    if suffix in (".html", ".htm"):
        return "page"
    return "array" if begin.removeprefix(BOM).lstrip().startswith(b"[") else "lines"


def rows(path: Path) -> Iterator[Row]:
    """The rows of a file, blank lines left out. Raises UsageError where it cannot be read at all."""
    held = layout(path)
    if held == "parquet":
        from dialogue.conversion.tables import parquet_rows

        yield from parquet_rows(path)
    elif held == "csv":
        from dialogue.conversion.tables import csv_rows

        yield from csv_rows(path)
    elif held == "page":
        yield page_row(path)
    else:
        yield from _array(path) if held == "array" else _lines(path)


def packed_with(begin: bytes) -> str | None:
    """What has packed a file that begins so; None where nothing has."""
    return next((name for magic, name in _PACKED.items() if begin.startswith(magic)), None)


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


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


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
            if number == 1 and not _is_json(line) and (whole := _pretty(path)) is not None:
                yield whole
                return
            yield Row(path, number, line, unended=not line.endswith(b"\n"))


def _array(path: Path) -> Iterator[Row]:
    for number, (line, trouble) in enumerate(elements(path), 1):
        yield Row(path, number, line, trouble=trouble)
