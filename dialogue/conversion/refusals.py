"""Rows that were dropped, with their reasons, in a file of their own that is there only if there are any."""

from collections import Counter
from pathlib import Path
from typing import BinaryIO

import orjson

from dialogue.conversion.row import Row
from dialogue.disk import beside

MOST_ROW = 1 << 16
"""Bytes of a refused row that are kept beside its reason."""
MOST_REASON = 300
MOST_REASONS = 100


class Refusals:
    """What was dropped so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.reasons: Counter[str] = Counter()
        """Each in the words of its first row."""
        self._words: dict[str, str] = {}
        self._beside = beside(path)
        self._file: BinaryIO | None = None

    def add(self, row: Row, reason: str) -> None:
        """Take in a row."""
        self.count += 1
        reason = reason.partition("\n")[0][:MOST_REASON]
        general = reason.partition(" (")[0]
        known = general in self._words or len(self._words) < MOST_REASONS
        self.reasons[self._words.setdefault(general, reason) if known else "other reasons"] += 1
        if self._file is None:
            self._file = self._beside.open("wb")
        told = {"place": row.place, "reason": reason, "row": row.text(MOST_ROW)}
        self._file.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))

    def finish(self) -> None:
        """Put the file in its place; take away one of an earlier conversion."""
        if self._file is None:
            self.path.unlink(missing_ok=True)
            return
        self._file.close()
        self._beside.replace(self.path)

    def drop(self) -> None:
        """Forget all."""
        if self._file is not None:
            self._file.close()
        self._beside.unlink(missing_ok=True)
