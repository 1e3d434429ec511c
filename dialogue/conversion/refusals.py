"""Rows that were dropped, with their reasons, in a file of their own that is there only if there are any."""

import re
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
_NUMBER = re.compile(r"\d+")
_FIELDS = ("place", "reason", "row")


def earlier(path: Path) -> bool:
    """Whether a file holds what an earlier conversion refused, and nobody's own rows."""
    with path.open("rb") as file:
        line = file.readline()
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(told, dict) and tuple(told) == _FIELDS


class Refusals:
    """What was dropped so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.reasons: Counter[str] = Counter()
        """Each in the words of its first row; what differs in numbers, or in what brackets hold, is one."""
        self._words: dict[str, str] = {}
        self._beside = beside(path)
        self._file: BinaryIO | None = None

    def add(self, row: Row, reason: str) -> None:
        """Take in a row."""
        self.count += 1
        reason = reason.partition("\n")[0][:MOST_REASON]
        general = _NUMBER.sub("0", reason.partition(" (")[0])
        known = general in self._words or len(self._words) < MOST_REASONS
        self.reasons[self._words.setdefault(general, reason) if known else "other reasons"] += 1
        if self._file is None:
            self._file = self._beside.open("wb")
        told = dict(zip(_FIELDS, (row.place, reason, row.text(MOST_ROW)), strict=True))
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
