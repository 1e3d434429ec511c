"""Input as blocks of whole lines, cut by size alone: the same file gives the same blocks, a longer one more of them."""

import os
from collections.abc import Iterator, Sequence
from hashlib import file_digest
from pathlib import Path
from typing import NamedTuple

from xxhash import xxh3_128, xxh3_128_hexdigest

from dialogue.conversion.rows import files
from dialogue.jsonl import write_atomically
from dialogue.reading import lines

BLOCK_BYTES = 8 << 20
_BOM = b"\xef\xbb\xbf"
LAID_OUT = 1
"""The way in which rows are laid out as lines; what was laid out in another is made anew."""


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


def blocks(
    paths: Sequence[Path], spool: Path, earlier: bool = False, size: int = BLOCK_BYTES, format: str | None = None
) -> Iterator[Block]:
    """The blocks of all files; what is no JSON Lines is laid out as such in the folder `spool` first."""
    for path in paths:
        for file in files(path):
            laid = _as_lines(file, spool, format)
            bounds = list(_bounds(laid, size))
            for number, (start, end) in enumerate(bounds, 1):
                yield Block(str(file), laid, start, end, earlier, number == len(bounds))


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


def _as_lines(path: Path, spool: Path, format: str | None) -> Path:
    """The file itself, or where its lines are no rows a file in which they are."""
    found = lines(path, format)
    if found is None:
        return path
    with path.open("rb") as file:
        read = file_digest(file, xxh3_128).hexdigest()
    name = xxh3_128_hexdigest(f"{LAID_OUT} {read} {path.suffix} {format}".encode())
    laid = spool / f"{name}.jsonl"
    if not laid.exists():
        os.makedirs(spool, exist_ok=True)
        write_atomically(laid, found)
    return laid
