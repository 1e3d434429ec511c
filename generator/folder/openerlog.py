"""What the opener writer has brought: its answers (lists.jsonl) and the openers accepted from them (openers.jsonl)."""

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from dialogue.records import Usage, plain
from generator.folder.appendlog import AppendLog, line_starts


class OpenerLog:
    """openers.jsonl: line i, counted from 0, is the opener of dialogue i; 8 bytes of memory each."""

    def __init__(self, log: AppendLog) -> None:
        self.log = log
        self._starts = array("Q", line_starts(log.path))

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.log.object(self._starts[index])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """All of them in order, read in one sweep."""
        return (opener for _, opener in self.log.objects())

    def add(self, line: bytes) -> int:
        """The index of the opener whose JSON line this is."""
        self._starts.append(self.log.append(line.rstrip(b"\n") + b"\n"))
        return len(self._starts) - 1


class ListLog:
    """lists.jsonl: each answer of the opener writer under its key; of two under one key the later counts."""

    def __init__(self, log: AppendLog) -> None:
        self.log = log
        self._offsets: dict[str, int] | None = None

    def items(self, key: str) -> list[str | None] | None:
        """The items under the key; None where it was never answered."""
        offset = self._index().get(key)
        return None if offset is None else self.log.object(offset)["items"]

    def add(self, key: str, items: Sequence[str | None], usage: Usage, how: str) -> None:
        """Keep the parsed answer, what it cost, and how it was read."""
        answer = {"key": key, "items": items, "usage": plain(usage), "how": how}
        index = self._index()
        index[key] = self.log.append(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))

    def _index(self) -> dict[str, int]:
        if self._offsets is None:
            self._offsets = {answer["key"]: offset for offset, answer in self.log.objects()}
        return self._offsets
