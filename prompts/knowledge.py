"""What a field's assistant knows: FAQs, triples and documents of the user's own, as sources that have an id each.

A row with a question and an answer is a source; the triples of one head are one together (so HuaTuo, arXiv
2304.06975, made its instructions from a graph); a document is cut into parts at its headings and paragraphs. Rows may
name their `id` and `language`. What was read is laid into a temporary file, and read there when it is wanted.
"""

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import overload

import numpy as np
import orjson

from dialogue.chance import hash64
from dialogue.disk import temporary
from dialogue.errors import UsageError
from prompts.labels import Labels
from prompts.materials import Piece
from prompts.source_rows import pieces


class Knowledge(Sequence[Piece]):
    """The sources of some files, in their order, as the files were when they were read."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Reads all files once. Raises UsageError, with path and line, for the first row that is no source."""
        self._paths = paths
        self._spool = TemporaryFile("w+b")  # noqa: SIM115 - open as long as the sources are read
        self._ends = array("Q", [0])
        self._files, self._lines, ids = array("H"), array("Q"), array("Q")
        self._labels = Labels()
        for number, path in enumerate(paths):
            if not path.is_file():
                raise UsageError(f"{path}: {'no file' if path.exists() else 'no such file'}")
            for line, piece in pieces(path):
                self._add(line, number, piece)
                ids.append(hash64(piece.id))
        hashes = np.array(ids, np.uint64)
        self._order = np.argsort(hashes, kind="stable")
        self._sorted = hashes[self._order]
        self._check_ids()

    def __len__(self) -> int:
        return len(self._files)

    @overload
    def __getitem__(self, number: int) -> Piece: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Piece]: ...
    def __getitem__(self, number: int | slice) -> Piece | Sequence[Piece]:
        if isinstance(number, slice):
            return [self[place] for place in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        number %= len(self)
        self._spool.seek(self._ends[number])
        return Piece.model_validate_json(self._spool.read(self._ends[number + 1] - self._ends[number]))

    @property
    def languages(self) -> list[str | None]:
        """The languages that rows name; None for rows that name none."""
        return self._labels.names

    def of(self, language: str) -> Sequence[int]:
        """The numbers of the sources for a language: those that name it, or else its base, and those that name none."""
        return self._labels.of(language)

    def find(self, id: str) -> int | None:
        """The number of the source of this id."""
        place = int(np.searchsorted(self._sorted, np.uint64(hash64(id))))
        found = place < len(self) and self._sorted[place] == np.uint64(hash64(id))
        return int(self._order[place]) if found else None

    def beside(self, number: int) -> Iterator[int]:
        """The sources before and behind one in its file, in its language: mostly of the same matter."""
        for other in (number + 1, number - 1):
            within = 0 <= other < len(self) and self._files[other] == self._files[number]
            if within and self._labels.same(other, number):
                yield other

    def _add(self, line: int, file: int, piece: Piece) -> None:
        with temporary():
            size = self._spool.write(orjson.dumps(piece.model_dump()))
        self._ends.append(self._ends[-1] + size)
        self._files.append(file)
        self._lines.append(line)
        try:
            self._labels.add(piece.language)
        except ValueError as error:
            raise UsageError(f"{self._place(len(self) - 1)}: {error}") from None

    def _check_ids(self) -> None:
        same = np.flatnonzero(self._sorted[1:] == self._sorted[:-1])
        if same.size:
            first, second = (int(self._order[same[0] + step]) for step in (0, 1))
            id = self[second].id
            raise UsageError(f"{self._place(second)}: the id {id!r} stands in {self._place(first)} already")

    def _place(self, number: int) -> str:
        return f"{self._paths[self._files[number]]}:{self._lines[number]}"
