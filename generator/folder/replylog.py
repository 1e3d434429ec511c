"""The file of what models answered outside a run: a line for each reply, so that nothing is asked twice."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from dialogue.errors import UsageError
from generator.folder.appendlog import AppendLog
from generator.folder.disk import Disk

_TOKENS = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
_COUNTS = ("requests", "replies", "unreported", "longest", *_TOKENS)


class ReplyLog:
    """Lines with a "key", of which the last one counts; `usage` says what a line has cost, `role` whose it was."""

    def __init__(
        self, path: Path, disk: Disk, say: Callable[[str], None], sound: Callable[[dict[str, Any]], bool]
    ) -> None:
        """Raises UsageError for a file with a line that is not `sound`."""
        self._log = AppendLog(path, disk)
        self._sound = sound
        self.by_key: dict[str, dict[str, Any]] = {}
        self.spent_by: dict[str, dict[str, int]] = {}
        """What all replies of a role have cost, as a RoleMeter restores it."""
        try:
            self._log.mend_tail(say)
            for _, line in self._log.objects():
                self._take(line)
        except BaseException:
            self._log.close()
            raise

    def spent(self, role: str = "") -> dict[str, int]:
        """What all replies of a role have cost."""
        return self.spent_by.setdefault(role, dict.fromkeys(_COUNTS, 0))

    def _take(self, line: dict[str, Any]) -> None:
        if not isinstance(line.get("key"), str) or not self._sound(line):
            raise UsageError(f"{self._log.path}: holds lines of another kind; choose another --out")
        self.by_key[line["key"]] = line
        usage = line.get("usage") or {}
        spent = self.spent(str(line.get("role") or ""))
        spent["requests"] += usage.get("requests", 0)
        if usage.get("requests"):
            spent["replies"] += 1
            spent["unreported"] += "completion_tokens" not in usage or "prompt_tokens" not in usage
            spent["longest"] = max(spent["longest"], usage.get("completion_tokens", 0))
            for name in _TOKENS:
                spent[name] += usage.get(name, 0)

    def add(self, line: dict[str, Any]) -> None:
        """Append a line; RunStopped where the disk takes no more."""
        self._log.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self._take(line)

    def lines(self) -> Iterator[dict[str, Any]]:
        """The line that counts of every key, in order of first appearance."""
        return iter(self.by_key.values())

    def close(self) -> None:
        """Put on disk what was written, and let go."""
        self._log.sync()
        self._log.close()
