"""The dialogues of all inputs, in the same order each time they are asked for."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dialogue.conversion.recognition import Recogniser
from dialogue.conversion.row import Row
from dialogue.conversion.rows import files, rows
from dialogue.formats import oasst
from dialogue.records import Dialogue

if TYPE_CHECKING:
    from dialogue.conversion.folding import Folding


class FoldingWanted(Exception):
    """A row may be the beginning of another, and nobody has looked which ones are."""


class Refused(Protocol):
    """What is told of each row that holds no dialogue."""

    def add(self, row: Row, reason: str, /) -> None: ...


class Source:
    """Reads rows and recognises them; counts what it read since it last began."""

    def __init__(self, paths: Sequence[Path], from_: str, tree_paths: oasst.Paths, fold: bool) -> None:
        self._asked = from_, tree_paths
        self._fold = fold
        self._folding: Folding | None = None
        self.files = [file for path in paths for file in files(path)]
        self.begin()

    def begin(self) -> None:
        """Count from nothing."""
        self.recogniser = Recogniser(*self._asked)
        self.rows = self.dialogues = self.folded = 0

    def read(self, refusals: Refused | None = None) -> Iterator[tuple[Row, Dialogue]]:
        """Each row with its dialogues, beginnings of others left out. FoldingWanted where `fold` has to come first."""
        self.begin()
        for file in self.files:
            for row in self._rows(file, refusals):
                try:
                    for dialogue in self.recogniser.dialogues(row):
                        self.dialogues += 1
                        if not self._begins_another(dialogue):
                            yield row, dialogue
                except ValueError as error:
                    if refusals is not None:
                        refusals.add(row, str(error))

    def _begins_another(self, dialogue: Dialogue) -> bool:
        if not self._fold or not self.recogniser.folds:
            return False
        if self._folding is None:
            raise FoldingWanted
        begins = self._folding.begins_another(dialogue)
        self.folded += begins
        return begins

    def fold(self) -> None:
        """Look through all rows of layouts that have such for those that begin another."""
        from dialogue.conversion.folding import Folding  # and numpy, which few layouts need

        folding = Folding()
        self._fold = False
        folding.note(dialogue for _, dialogue in self.read() if self.recogniser.folds)
        self._fold, self._folding = True, folding

    def _rows(self, file: Path, refusals: Refused | None) -> Iterator[Row]:
        """Rows as they are; those that are single messages of trees are put together once all were read."""
        parts: list[Row] = []
        for row in rows(file):
            self.rows += 1
            if self.recogniser.part_of_tree(row):
                parts.append(row)
            else:
                yield row
        trees, left = oasst.whole((str(place), row.fields) for place, row in enumerate(parts))
        for place, reason in left:
            if refusals is not None:
                refusals.add(parts[int(place)], reason)
        for place, fields in trees:
            first = parts[int(place)]
            yield Row(first.path, first.number, b"", dict(fields))
