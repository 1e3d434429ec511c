"""Dialogues from a path for those who need all of them: a row that holds none is an error that names it and the mend.

All that `gen convert` reads is read: JSON Lines, one JSON array, CSV, Parquet, saved pages, a run's, a filter's, a
hub's or any other folder of these, in every layout that is recognised. `gen convert` itself passes over bad rows.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from dialogue.conversion.row import Row
from dialogue.conversion.rows import files, layout, rows
from dialogue.conversion.source import FoldingWanted, Source
from dialogue.conversion.strangers import UNKNOWN
from dialogue.errors import UsageError
from dialogue.records import Dialogue

AUTO = "auto"
MOST_REASON = 240
"""Characters; a place deep in a row has a long name."""


def read(path: Path, format: str | None = None, *, whole: bool = False, fold: bool = True) -> Iterator[Dialogue]:
    """The dialogues of a file or a folder; of a filter's folder what was kept. Raises UsageError with `path:line`.

    A torn last line is passed over; with `whole` it is an error. Rows that only begin a longer dialogue are left out,
    which takes a reading more where a layout has such; without `fold` they are given.
    """
    return (dialogue for _, dialogue in placed(path, format, whole=whole, fold=fold))


def placed(
    path: Path, format: str | None = None, *, whole: bool = False, fold: bool = True
) -> Iterator[tuple[Row, Dialogue]]:
    """The same with the row that each dialogue is from, whose `place` is for messages."""
    for file in files(path):
        yield from _dialogues(file, format or AUTO, whole, fold)


def _dialogues(file: Path, format: str, whole: bool, fold: bool) -> Iterator[tuple[Row, Dialogue]]:
    source, given = Source([file], format, "best", fold), 0
    try:
        for pair in source.read(_Strict(whole)):
            given += 1
            yield pair
    except FoldingWanted:  # at the first row of a layout that has such; what came before it is no part of any
        source.fold()
        yield from islice(source.read(_Strict(whole)), given, None)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None


class _Strict:
    """Takes rows that hold no dialogue: none may."""

    def __init__(self, whole: bool) -> None:
        self._whole = whole

    def add(self, row: Row, reason: str) -> None:
        """Raise UsageError, but for a torn end, and for copies that belong to a layout."""
        if row.torn and not self._whole:
            return
        if reason.startswith("an exact copy of"):
            return
        raise UsageError(f"{row.place}: {told(row, reason)}")


def told(row: Row, reason: str) -> str:
    """What is wrong with a row, and the mend."""
    reason = reason if len(reason) <= MOST_REASON else f"{reason[:MOST_REASON]} ..."
    if row.torn:
        return "not JSON; the file ends in the middle of this line: cut it off"
    if reason.startswith("not JSON") and row.number == 1 and layout(row.path) == "lines" and _is_text(row.line):
        return f"{reason}; expected JSON Lines or an array; name a table .csv or .tsv, a saved page .html"
    if reason.startswith(UNKNOWN):
        return f"{reason}; for other fields write a field map: gen convert {row.path} OUT.jsonl --from MAP.toml"
    what = "line" if layout(row.path) == "lines" else "row"
    return f"{reason}; mend or delete the {what}, or leave such rows out: gen convert {row.path} OUT.jsonl"


def _is_text(line: bytes) -> bool:
    return not line.lstrip().startswith(b"{")


def lines(path: Path, format: str | None = None) -> Iterator[bytes] | None:
    """The rows of a file as lines of JSON, to be read one by one; None where its own lines are such.

    Messages of trees are put together, beginnings of longer dialogues left out. A row without a dialogue is a line all
    the same; UsageError, with its place, for one without JSON.
    """
    return None if layout(path) == "lines" and _alone(path, format or AUTO) else _lines(path, format or AUTO)


def _alone(path: Path, format: str) -> bool:
    """Whether each line of a file of lines is a row, and can be read without the others; the first line tells."""
    first = next(rows(path), None)
    if first is None:
        return True
    if b"\n" in first.line.rstrip():  # one object over many lines
        return False
    recogniser = Source([path], format, "best", fold=False).recogniser
    try:
        reader = recogniser.reader(first.fields)
    except ValueError:
        return True
    return not recogniser.part_of_tree(first) and not getattr(reader, "folds", False)


def _lines(path: Path, format: str) -> Iterator[bytes]:
    source, refused, given = Source([path], format, "best", fold=True), _Lines(), 0
    try:
        for row, _ in source.read(refused):
            given += 1
            yield from (*refused.taken(), row.as_line())
    except FoldingWanted:
        source.fold()
        refused = _Lines(refused.count)
        for row, _ in islice(source.read(refused), given, None):
            yield from (*refused.taken(), row.as_line())
    yield from refused.taken()


class _Lines:
    """Takes rows that hold no dialogue, as lines; the first ones were given already."""

    def __init__(self, given: int = 0) -> None:
        self._given = given
        self._lines: list[bytes] = []
        self.count = 0

    def add(self, row: Row, reason: str) -> None:
        """Take in a row. UsageError where it holds no JSON."""
        self.count += 1
        if self.count <= self._given:
            return
        try:
            self._lines.append(row.as_line())
        except ValueError as error:
            if not row.torn:
                raise UsageError(f"{row.place}: {told(row, str(error))}") from None

    def taken(self) -> list[bytes]:
        """The lines since this was asked last."""
        found, self._lines = self._lines, []
        return found
