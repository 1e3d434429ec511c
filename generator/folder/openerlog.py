"""What the opener writer has brought: its answers (lists.jsonl) and the openers accepted from them (openers.jsonl)."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from dialogue.records import Usage, plain
from generator.folder.appendlog import AppendLog, line_starts, lines


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
    """lists.jsonl: each answer of the opener writer under its key; of two under one key the later counts.

        {"key", "items", "usage", "how"}   a list, parsed; `how` it was read. `items` is null, and `run` stands beside
                                           it, where it came to nothing before any list was read
        {"key", "reply", "usage", "run"}   a reply that was no list, as it came: it is asked for again
        {"anew", "usage"}                  nothing came of all that is above: it is asked for anew

    `run` is the run's hash: as long as no list was read, the folder may be taken up with other settings.
    """

    def __init__(self, log: AppendLog, run: str) -> None:
        self.log = log
        self._run = run
        self._offsets: dict[str, int] | None = None
        self._refused: dict[str, list[int]] = {}
        """Of lists that are still asked for, the offsets of the replies that were none."""

    @property
    def read(self) -> bool:
        """Whether any list was ever read."""
        return any_list(self.log.path)

    def items(self, key: str) -> list[str | None] | None:
        """The items under the key; None where there are none yet."""
        offset = self._index().get(key)
        return None if offset is None else self.log.object(offset)["items"] or []

    def refused(self, key: str) -> list[dict[str, Any]]:
        """The replies to the present question under the key that were no list, as they were kept."""
        self._index()
        return [self.log.object(offset)["reply"] for offset in self._refused.get(key, ())]

    def add(self, key: str, items: Sequence[str | None] | None, usage: Usage, how: str) -> None:
        """Keep the parsed answer, what it cost, and how it was read."""
        answer = {"key": key, "items": items, "usage": plain(usage), "how": how}
        self._append(answer if items is not None else {**answer, "run": self._run})

    def refuse(self, key: str, reply: Mapping[str, Any], usage: Usage) -> None:
        """Keep a reply that was no list, and what it cost."""
        self._append({"key": key, "reply": reply, "usage": plain(usage), "run": self._run})

    def anew(self) -> None:
        """Ask for everything anew from here on, in this folder too."""
        self._append({"anew": True, "usage": plain(Usage())})

    def _append(self, answer: dict[str, Any]) -> None:
        index = self._index()
        offset = self.log.append(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))
        self._take(index, answer, offset)

    def _index(self) -> dict[str, int]:
        if self._offsets is None:
            self._offsets = {}
            for offset, answer in self.log.objects():
                self._take(self._offsets, answer, offset)
        return self._offsets

    def _take(self, index: dict[str, int], answer: Mapping[str, Any], offset: int) -> None:
        if "anew" in answer:
            index.clear()
            self._refused.clear()
        elif answer.get("run", self._run) != self._run:
            return
        elif "items" in answer:
            index[answer["key"]] = offset
            self._refused.pop(answer["key"], None)
        else:
            self._refused.setdefault(answer["key"], []).append(offset)


def any_list(path: Path) -> bool:
    """Whether the file holds a list that was read; the first line tells, but in a folder that came to nothing yet."""
    for _, line in lines(path):
        with suppress(orjson.JSONDecodeError):  # a torn last line is cut where the folder is opened
            answer = orjson.loads(line)
            if isinstance(answer, dict) and answer.get("items") is not None:
                return True
    return False
