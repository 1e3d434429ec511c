"""The file of what was answered: one line for each reply, appended as it comes, so that nothing is asked twice."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from generator.folder.disk import Disk
from generator.folder.replylog import ReplyLog

ATTEMPTS = 2
"""Replies to one question: where the first cannot be read, it is put once more."""
UNREADABLE, FAILED = "unreadable", "failed"


class Answers:
    """Lines {"key", ..., the answer's fields, "raw", "model", "attempt", "usage", "prompt"}; the last of a key counts.

    `attempt` is the number of replies that the question has had. A failed one had none that time, and is put again by
    the next call; one that stayed unreadable is not.
    """

    def __init__(self, path: Path, field: str, disk: Disk, say: Callable[[str], None]) -> None:
        """Raises UsageError for a file that holds anything else than such lines."""
        self._field = field
        self._log = ReplyLog(path, disk, say, lambda line: field in line and type(line.get("attempt")) is int)
        self.by_key = self._log.by_key
        self.add = self._log.add
        self.close = self._log.close

    @property
    def spent(self) -> dict[str, int]:
        """What all replies have cost, as a RoleMeter restores it."""
        return self._log.spent()

    def settled(self, key: str) -> Mapping[str, Any] | None:
        """The line that ends this question; None as long as it is to be put."""
        line = self.by_key.get(key)
        if line is None or line[self._field] == FAILED:
            return None
        return None if line[self._field] == UNREADABLE and line["attempt"] < ATTEMPTS else line
