"""Input as blocks of whole lines, cut by size alone: the same file gives the same blocks, a longer one more of them."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import orjson
from xxhash import xxh3_128_hexdigest

from dialogue.errors import UsageError
from dialogue.jsonl import write_atomically
from dialogue.mixtures import standing_for

BLOCK_BYTES = 8 << 20
_BOM = b"\xef\xbb\xbf"
_SUFFIXES = (".jsonl", ".json", ".ndjson")
_UNREAD = {
    "unpack it first": (".gz", ".zip", ".bz2", ".xz", ".zst", ".tar"),
    "write it as JSON Lines, a dialogue a line": (".csv", ".tsv", ".parquet", ".arrow", ".xlsx"),
}
"""What is no JSON, by the end of its name, and what to do with it."""
_MAGIC = {b"\x1f\x8b": ".gz", b"PK\x03\x04": ".zip", b"BZh": ".bz2", b"\x28\xb5\x2f\xfd": ".zst", b"PAR1": ".parquet"}
_MOST_PRETTY_BYTES = 1 << 26
"""A larger file is not read a second time to see why its first line is no JSON."""


class Block(NamedTuple):
    """Some whole lines of a file."""

    name: str
    """The file as the user named it, for messages."""
    path: Path
    start: int
    end: int
    """Bytes from `start` up to `end`."""
    earlier: bool = False
    """Earlier data, which is compared with and not filtered."""
    last: bool = False
    """Ends where the file ends: only there may a line be torn."""

    def read(self) -> bytes:
        """The block's bytes, without a byte order mark."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            data = file.read(self.end - self.start)
        return data.removeprefix(_BOM) if self.start == 0 else data

    def place(self, number: int) -> str:
        """A line of this number in the file, from 1, for a person: `path:line`, or `path: row N` in a JSON array."""
        return f"{self.name}: row {number}" if str(self.path) != self.name else f"{self.name}:{number}"

    def line_number(self, line: int) -> int:
        """The number in the file, from 1, of the block's line number `line`, from 0."""
        number, left = line + 1, self.start
        with self.path.open("rb") as file:
            while left:
                data = file.read(min(left, BLOCK_BYTES))
                number, left = number + data.count(b"\n"), left - len(data)
        return number


def files(path: Path) -> list[Path]:
    """The files that a path stands for: a run folder's dialogues, a filter folder's kept ones, any folder's files."""
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    if not path.is_dir():
        _check_readable(path)
        return [path]
    if (known := standing_for(path)) is not None:
        return known
    found = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and not file.name.startswith("."))
    if not found:
        raise UsageError(f"{path}: no dialogues.jsonl, kept.jsonl, nor other {', '.join(_SUFFIXES)} file in it")
    return found


def skipped(path: Path) -> list[str]:
    """What in a folder is not read, by name: folders in it, and files of other kinds; hidden ones are not told.

    Nothing where a known file stands for the folder.
    """
    if not path.is_dir() or standing_for(path) is not None:
        return []
    others = (one for one in path.iterdir() if not one.name.startswith("."))
    return sorted(f"{one.name}/" if one.is_dir() else one.name for one in others if one.suffix not in _SUFFIXES)


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            begin = file.read(4)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    suffix = next((suffix for magic, suffix in _MAGIC.items() if begin.startswith(magic)), path.suffix.lower())
    for mend, suffixes in _UNREAD.items():
        if suffix in suffixes:
            raise UsageError(f"{path}: {suffix} is no format that is read here; {mend}")


def why_no_json(path: Path, place: str, error: Exception) -> UsageError:
    """What to say of a line that is not JSON: most often a line to mend, at times one object over many lines."""
    if path.stat().st_size <= _MOST_PRETTY_BYTES:
        with suppress(orjson.JSONDecodeError):
            orjson.loads(path.read_bytes().removeprefix(_BOM))
            return UsageError(
                f"{path}: one JSON object over many lines; expected a dialogue a line, or an array of them"
            )
    return UsageError(f"{place}: not JSON ({error}); mend or delete the line")


def blocks(paths: Sequence[Path], spool: Path, earlier: bool = False, size: int = BLOCK_BYTES) -> Iterator[Block]:
    """The blocks of all files; a JSON array is laid out as lines in the folder `spool` first."""
    for path in paths:
        for file in files(path):
            lines = _as_lines(file, spool)
            bounds = list(_bounds(lines, size))
            for number, (start, end) in enumerate(bounds, 1):
                yield Block(str(file), lines, start, end, earlier, number == len(bounds))


def _bounds(path: Path, size: int) -> Iterator[tuple[int, int]]:
    length, start = path.stat().st_size, 0
    if not length:
        yield 0, 0
    with path.open("rb") as file:
        while start < length:
            file.seek(min(start + size, length) - 1)
            file.readline()  # the rest of the line in which the cut falls
            end = min(file.tell(), length)
            yield start, end
            start = end


def _as_lines(path: Path, spool: Path) -> Path:
    """The file itself, or where it is one JSON array a file with a line for each of its elements."""
    try:
        with path.open("rb") as file:
            if not file.read(64).removeprefix(_BOM).lstrip().startswith(b"["):
                return path
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    data = path.read_bytes()
    lines = spool / f"{xxh3_128_hexdigest(data)}.jsonl"
    if lines.exists():
        return lines
    try:
        rows = orjson.loads(data.removeprefix(_BOM))
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}: not JSON ({error.msg}); mend it there") from None
    os.makedirs(spool, exist_ok=True)
    write_atomically(lines, (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
    return lines
