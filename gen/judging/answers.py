"""The file of what was answered: one line for each reply, appended as it comes, so that nothing is asked twice."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from dialogue.errors import UsageError
from generator.folder.appendlog import AppendLog
from generator.folder.disk import Disk

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
        self._log = AppendLog(path, disk)
        try:
            self._log.mend_tail(say)
            self.by_key: dict[str, dict[str, Any]] = {}
            self.spent = dict.fromkeys(("requests", "replies", "unreported", "longest"), 0) | dict.fromkeys(_TOKENS, 0)
            """What all replies have cost, as a RoleMeter restores it."""
            for _, line in self._log.objects():
                self._take(line)
        except BaseException:
            self._log.close()
            raise

    def _take(self, line: dict[str, Any]) -> None:
        if not isinstance(line.get("key"), str) or self._field not in line or type(line.get("attempt")) is not int:
            raise UsageError(f"{self._log.path}: holds lines of another kind; choose another --out")
        self.by_key[line["key"]] = line
        usage = line.get("usage") or {}
        self.spent["requests"] += usage.get("requests", 0)
        if usage.get("requests"):
            self.spent["replies"] += 1
            self.spent["unreported"] += "completion_tokens" not in usage or "prompt_tokens" not in usage
            self.spent["longest"] = max(self.spent["longest"], usage.get("completion_tokens", 0))
            for name in _TOKENS:
                self.spent[name] += usage.get(name, 0)

    def add(self, line: dict[str, Any]) -> None:
        """Append a line; RunStopped where the disk takes no more."""
        self._log.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self._take(line)

    def settled(self, key: str) -> Mapping[str, Any] | None:
        """The line that ends this question; None as long as it is to be put."""
        line = self.by_key.get(key)
        if line is None or line[self._field] == FAILED:
            return None
        return None if line[self._field] == UNREADABLE and line["attempt"] < ATTEMPTS else line

    def close(self) -> None:
        """Put on disk what was written, and let go."""
        self._log.sync()
        self._log.close()


_TOKENS = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
