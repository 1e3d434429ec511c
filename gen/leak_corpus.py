"""What a scan has found over all blocks: hits in a spool on disk, the likest texts of each item, a sample of hosts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from dialogue.records import Dialogue
from filters.engine.pool import pool
from filters.engine.report import Input
from filters.engine.walk import INLINE_BYTES
from filters.leaks.scan import Hit
from filters.leaks.self_test import sample
from gen.leak_scan import Candidate, Scanned, Task, scan_block

OnProgress = Callable[[str, int, int], None]


class Best:
    """The most alike texts of each item, each text once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_item: dict[tuple[str, str], list[tuple[Any, Candidate, int]]] = {}

    def take(self, candidate: Candidate, id: str, offset: int) -> None:
        """Consider one whose line stands at this offset of the spool; the smaller id goes first among equals."""
        order = (tuple(-part for part in candidate.rank), id, candidate.number)
        kept = self._by_item.setdefault(candidate.place, [])
        same = next((number for number, one in enumerate(kept) if one[1].pair == candidate.pair), None)
        if same is not None and kept[same][0] <= order:
            return
        if same is not None:
            del kept[same]
        kept.append((order, candidate, offset))
        kept.sort(key=lambda one: one[0])
        del kept[self._most :]

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(map(len, self._by_item.values()))

    def offsets(self) -> Iterator[tuple[Candidate, int]]:
        """The candidates with their lines' offsets, item by item, the most alike first."""
        for place in sorted(self._by_item):
            for _, candidate, offset in self._by_item[place]:
                yield candidate, offset


class Corpus:
    """A scan under way, and what it has found."""

    def __init__(self, spool: Path, per_item: int) -> None:
        self.spool = spool
        self.best = Best(per_item)
        self.read = self.refused = self.lines = 0
        self.first_refused: str | None = None
        """Place and trouble of the first line that is no dialogue."""
        self.inputs: dict[str, Input] = {}
        self.hosts: list[Dialogue] = []
        """A sample of all dialogues, for the self-test."""

    def scan(
        self, tasks: Sequence[Task], workers: int, refused: Path, on_progress: OnProgress = lambda *_: None
    ) -> None:
        """Scan all blocks; lines that are no dialogue go to the file `refused`."""
        total = sum(task.block.end - task.block.start for task in tasks)
        done = 0
        on_progress("scanning", 0, total)
        with self.spool.open("wb") as spool, refused.open("wb") as others, pool(_needed(workers, total)) as processes:
            for task, scanned in zip(tasks, processes.map(scan_block, tasks), strict=True):
                offset = spool.tell()
                for line in scanned.lines:
                    spool.write(line.data)
                    for candidate in line.candidates:
                        self.best.take(candidate, line.id, offset)
                    offset += len(line.data)
                others.writelines(scanned.refused)
                self._count(task, scanned)
                done += task.block.end - task.block.start
                on_progress("scanning", done, total)

    def _count(self, task: Task, scanned: Scanned) -> None:
        self.read += scanned.rows
        self.refused += len(scanned.refused)
        if scanned.refused and self.first_refused is None:
            line = orjson.loads(scanned.refused[0])
            self.first_refused = f"{line['place']}: {line['error']}"
        self.lines += len(scanned.lines)
        block = task.block
        file = self.inputs.setdefault(block.name, Input(block.name))
        file.add(block.end, scanned.rows, scanned.torn, scanned.digest)
        self.hosts = sample([*self.hosts, *scanned.hosts], task.hosts, task.seed)

    def found(self) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
        """Id and hits of each dialogue, in the order of the corpus."""
        with self.spool.open("rb") as file:
            for line in file:
                fields = orjson.loads(line)
                yield fields["id"], fields["hits"]

    def chosen(self) -> Iterator[tuple[str, Mapping[str, Any], str]]:
        """Id, hit and pair of each candidate that a judge is asked about."""
        with self.spool.open("rb") as file:
            for candidate, offset in self.best.offsets():
                file.seek(offset)
                fields = orjson.loads(file.readline())
                yield fields["id"], fields["hits"][candidate.number], candidate.pair


def _needed(workers: int, size: int) -> int:
    return workers if size >= INLINE_BYTES else 1


def hit_of(fields: Mapping[str, Any]) -> Hit:
    """The hit in a line of the spool."""
    return Hit(**{name: _tupled(fields[name]) for name in Hit.__dataclass_fields__})


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
