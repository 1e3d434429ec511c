"""Material of the user's own, passages or seeds, by its place in the file: JSON Lines, plain text or a table.

JSON Lines hold an object a line with the text under one of the sector's keys and, if wanted, `id`, `title` and
`language`, or nothing but a text. In plain text each line is one; where blank lines part passages, what stands between
two of them. Every row is read once when the file is opened, so that a bad one is an error with its place before
anything is asked; after that only where rows begin is kept, and a row is read again when it is wanted.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, overload

import numpy as np
import orjson
from pydantic import Field

from dialogue.chance import hash64, hex64
from dialogue.errors import UsageError
from dialogue.records import Record
from prompts.brought import JSON, PLAIN, as_lines, by, lacking, no_object
from prompts.cutting import cut, tokens
from prompts.labels import Labels

HEAD_WORDS = 8
BOM = "\ufeff".encode()


class Form(Record):
    """What a sector takes as its material."""

    keys: tuple[str, ...] = Field(min_length=1)
    """Where a JSON row may have its text; the first one that it has counts."""
    most_tokens: int = Field(ge=1)
    """The room for a text, in tokens as prompts/cutting.py counts them."""
    cut: bool = False
    """Whether a longer text is cut at a sentence end; if not, it is an error."""
    blocks: bool = False
    """Whether blank lines part the texts of a plain file, if it has any between them."""


class Piece(Record):
    """One passage or seed."""

    id: str
    """The row's own, or a hash of the text."""
    text: str
    """Word for word, but for the ends of lines and what was cut off."""
    title: str
    """The row's own, or the first words of the text."""
    language: str | None = None
    cut_from: int | None = None
    """About how many tokens the whole text has, where this is a part of it."""


class Material(Sequence[Piece]):
    """All that a file holds, in its order."""

    def __init__(self, path: Path, form: Form) -> None:
        """Reads the whole file once. Raises UsageError, with path and line, for the first row that is no good."""
        self._path, self._form = path, form
        self._starts, self._sizes, self._lines = array("Q"), array("Q"), array("Q")
        self._labels = Labels()
        self.cut = 0
        """How many texts were cut."""
        rows = as_lines(path)
        self._table = None if rows is None else [orjson.loads(row) if row.strip() else None for row in rows]
        self._as_json = self._table is None and _holds_json(path)
        self._index()

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, number: int) -> Piece: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Piece]: ...
    def __getitem__(self, number: int | slice) -> Piece | Sequence[Piece]:
        if isinstance(number, slice):
            return [self[place] for place in range(*number.indices(len(self)))]
        if self._table is not None:
            return self._piece(self._table[self._lines[number] - 1])
        with self._path.open("rb") as file:
            file.seek(self._starts[number])
            return self._piece(self._row(file.read(self._sizes[number])))

    def of(self, language: str) -> Sequence[int]:
        """The numbers of the rows for a language: those that name it, or else its base, and those that name none."""
        return self._labels.of(language)

    @property
    def languages(self) -> list[str | None]:
        """The languages that rows name; None for rows that name none."""
        return self._labels.names

    def _index(self) -> None:
        texts, ids = array("Q"), array("Q")
        for line, start, size, row in self._rows():
            try:
                piece = self._piece(self._row(row) if isinstance(row, bytes) else row)
                self._labels.add(piece.language)
            except ValueError as error:
                raise UsageError(f"{self._path}:{line}: {error}") from None
            for column, value in ((self._starts, start), (self._sizes, size), (self._lines, line)):
                column.append(value)
            self.cut += piece.cut_from is not None
            texts.append(hash64(piece.text))
            ids.append(hash64(piece.id))
        for what, hashes in (("text", texts), ("id", ids)):
            self._once(what, hashes)
        if not len(self):
            raise UsageError(f"{self._path}: empty, expected a text a line, JSON Lines, a JSON array, CSV or Parquet")

    def _once(self, what: str, hashes: "array[int]") -> None:
        """Raise UsageError where two rows have the same."""
        values = np.frombuffer(hashes, np.uint64) if hashes else np.empty(0, np.uint64)
        order = np.argsort(values, kind="stable")
        same = np.flatnonzero(values[order][1:] == values[order][:-1])
        if same.size:
            first, second = self._lines[int(order[same[0]])], self._lines[int(order[same[0] + 1])]
            raise UsageError(f"{self._path}:{second}: the same {what} stands in line {first} already")

    def _rows(self) -> Iterator[tuple[int, int, int, Any]]:
        """Line, offset, size and content of each row."""
        if self._table is not None:
            yield from ((number, 0, 0, row) for number, row in enumerate(self._table, 1) if row is not None)
            return
        with self._path.open("rb") as file:
            yield from _blocks(file) if self._form.blocks and not self._as_json and _parted(self._path) else _each(file)

    def _row(self, raw: bytes) -> Any:
        """The row in its bytes: a JSON value, or a text."""
        try:
            text = raw.removeprefix(BOM).decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"not UTF-8 ({error.reason} at byte {error.start + 1}); save it as UTF-8") from None
        if not self._as_json:
            return text
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise ValueError(f"not JSON ({error})") from None

    def _piece(self, row: Any) -> Piece:
        """Raises ValueError where there is no text in the row, or too much of it."""
        fields: Mapping[str, Any] = {self._form.keys[0]: row} if isinstance(row, str) else row
        if not isinstance(fields, dict):
            raise no_object(row, "a JSON object or a text")
        key = next((key for key in self._form.keys if fields.get(key) is not None), None)
        if key is None:
            raise lacking(fields, f"no text: expected it under {' or '.join(self._form.keys)}")
        text = text_at(key, fields[key]).strip()
        if not any(map(str.isalnum, text)):
            raise ValueError(f"{key}: no word in it")
        size, most = tokens(text), self._form.most_tokens
        if size > most and not self._form.cut:
            raise ValueError(f"{key}: about {size:,} tokens, expected at most {most:,}")
        title, id = fields.get("title"), fields.get("id")
        return Piece(
            id=name_of(id) if id is not None else hex64(text),
            text=cut(text, most),
            title=head(text_at("title", title) if title and key != "title" else text),
            language=name_of(fields["language"]) if fields.get("language") else None,
            cut_from=size if size > most else None,
        )


@lru_cache(maxsize=8)
def _opened(path: Path, form: Form, modified: int, size: int) -> Material:
    return Material(path, form)


def material(path: Path, form: Form) -> Material:
    """The material in a file, read once for all who ask while the file stays as it is."""
    with by("--input"):
        try:
            stat = path.stat()
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from None
        return _opened(path, form, stat.st_mtime_ns, stat.st_size)


def _each(lines: Any) -> Iterator[tuple[int, int, int, bytes]]:
    """Each line that is not blank."""
    start = 0
    for number, line in enumerate(lines, 1):
        if line.removeprefix(BOM).strip():
            yield number, start, len(line), line
        start += len(line)


def _blocks(lines: Any) -> Iterator[tuple[int, int, int, bytes]]:
    """Each run of lines that are not blank."""
    first, start, held = 0, 0, b""
    for number, at, _, line in _each(lines):
        if held and start + len(held) != at:
            yield first, start, len(held), held
            held = b""
        if not held:
            first, start = number, at
        held += line
    if held:
        yield first, start, len(held), held


def _parted(path: Path) -> bool:
    """Whether a blank line stands between two others."""
    with path.open("rb") as file:
        ends = ((at, at + size) for _, at, size, _ in _each(file))
        return any(end != at for (_, end), (at, _) in pairwise(ends))


def _holds_json(path: Path) -> bool:
    """Whether a file is JSON Lines: by its name, else by how its first line begins."""
    if path.suffix.lower() in JSON + PLAIN:
        return path.suffix.lower() in JSON
    with path.open("rb") as file:
        first = next((line for _, _, _, line in _each(file)), b"")
    return first.removeprefix(BOM).lstrip().startswith((b"{", b'"'))


def text_at(key: str, value: Any) -> str:
    """The text under a key, its lines ending alike. Raises ValueError for anything else."""
    if not isinstance(value, str):
        raise ValueError(f"{key}: {str(value)[:40]!r} is a {type(value).__name__}, expected text")
    return value.replace("\r\n", "\n").replace("\r", "\n")


def name_of(value: Any) -> str:
    """An id or a language's code, which may be a number in JSON."""
    name = str(value).strip()
    if isinstance(value, bool) or not isinstance(value, str | int) or not name:
        raise ValueError(f"id or language: {str(value)[:40]!r}, expected a text or a number")
    return name


def head(text: str) -> str:
    """A title: the first words, on one line."""
    found = text.split()
    if len(found) > HEAD_WORDS:
        return " ".join(found[:HEAD_WORDS]) + " ..."
    line = " ".join(found)
    return line if len(line) <= 80 else line[:80] + "..."
