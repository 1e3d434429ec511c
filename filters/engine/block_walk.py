"""One block's way through the chain: what a worker does, with what was computed before taken from the cache."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from filelock import FileLock
from numpy.typing import NDArray
from pydantic import JsonValue

from dialogue.chance import hash64, hex64
from filters.engine.base import CorpusFilter, Drop, Filter, Limits
from filters.engine.blocks import Block
from filters.engine.chain import Step
from filters.engine.counts import Counts
from filters.engine.examples import show_drop, show_edit
from filters.engine.info import Info
from filters.engine.rows import Refused, Row, Rows
from filters.engine.section import Bits, Section, Sections


class CopyOf(NamedTuple):
    """What a corpus filter has decided of one row."""

    kept: str
    """The id of the document kept instead."""
    similarity: float
    number: int
    """Its number in the corpus."""
    source: str | None = None
    """The file of earlier data that it stands in; None where it stands in the input."""
    places: tuple[str, str] | None = None
    """Where both have one id: `path:line` of the kept one and of this one."""

    @property
    def evidence(self) -> dict[str, JsonValue]:
        """What shows that it is a copy."""
        found: dict[str, JsonValue] = {"kept": self.kept, "jaccard": round(float(self.similarity), 4)}
        if self.source is not None:
            found["in"] = self.source
        if self.places is not None:
            found["kept_at"], found["at"] = self.places
        return found


class Task(NamedTuple):
    """What is to be done with a block."""

    block: Block
    format: str | None
    steps: tuple[Step, ...]
    upto: int
    """Filters before this place are applied, corpus filters from it on prepared; all of them: the end is written."""
    copies: Mapping[int, Mapping[int, CopyOf]]
    """For each corpus filter before `upto`, by its place, the rows that it drops."""
    cache: Path
    sample_below: int = 0
    """Kept rows whose ids have hashes below this are handed back for samples."""


@dataclass
class Walked:
    """What came of it."""

    digest: str
    rows: int
    torn: bool
    lines: int
    """Lines of the block, blank ones included."""
    refused: list[bytes] = field(default_factory=list)
    """Lines of refused.jsonl."""
    shards: list[tuple[Path, Bits]] = field(default_factory=list)
    """For each corpus filter prepared: its folder and which of the documents in it are alive."""
    counts: list[Counts] = field(default_factory=list)
    kept: bytes = b""
    kept_rows: int = 0
    dropped: bytes = b""
    dropped_rows: int = 0
    notes: bytes = b""
    edited: int = 0
    sample: list[tuple[int, bytes]] = field(default_factory=list)
    """Hash of the id and line of kept rows."""
    ids: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    """(kept_rows,) hashes of the kept rows' ids."""


class BlockWalk:
    """A block with what is known of it."""

    def __init__(self, rows: Rows, folder: Path) -> None:
        self.rows, self.folder = rows, folder
        self._row: dict[int, Row] = {}
        self.lines: dict[int, bytes] = {}
        """Rows that a filter has edited."""
        self.sections = Sections(self.folder / "verdicts.json", len(self.rows))
        self.alive: Bits = np.ones(len(self.rows), np.bool_)
        self.alive[list(self.info.refused)] = False
        self.counts: list[Counts] = []
        self.fates: dict[int, tuple[str, Drop]] = {}
        """Dropped rows, with the name of the filter and its drop."""
        self.noted: list[tuple[int, str, Mapping[str, Any]]] = []
        self._telling = False

    @cached_property
    def info(self) -> Info:
        """Ids and shapes of all rows."""
        known = Info.read(self.folder)
        if known is not None:
            return known
        info = Info(lines=self.rows.places if self.rows.places != list(range(len(self.rows))) else [])
        for number in range(len(self.rows)):
            row = self.row(number)
            try:
                info.ids.append(row.dialogue.id)
                info.native.append(row.native)
            except Refused as error:
                info.ids.append("")
                info.native.append(False)
                info.refused[number] = str(error)
        info.write(self.folder)
        return info

    def row(self, number: int) -> Row:
        """The row as the filters before left it."""
        if number not in self._row:
            line = self.lines.get(number)
            self._row[number] = self.rows.row(number) if line is None else self.rows.edited(line)
        return self._row[number]

    def apply(self, steps: Sequence[Step], copies: Mapping[int, Mapping[int, CopyOf]], telling: bool = False) -> None:
        """Walk through these filters; `telling`: also count, and note examples and fates, for the report."""
        self._telling = telling
        for place, step in enumerate(steps):
            living = int(self.alive.sum())
            counts = Counts(read=living, looked_at=living)
            self.counts.append(counts)
            if isinstance(step.filter, CorpusFilter):
                self._leave_out(step, step.filter.reason, copies.get(place, {}), counts)
            else:
                self._judge(step, step.filter, counts)
        self.sections.save()

    def _leave_out(self, step: Step, reason: str, copies: Mapping[int, CopyOf], counts: Counts) -> None:
        if not self._telling:
            self.alive[list(copies)] = False
            return
        for row, copy in copies.items():
            counts.earlier += copy.source is not None
            self._drop(step, row, Drop(reason, copy.evidence), counts, copy.number)

    def _judge(self, step: Step, filter: Filter, counts: Counts) -> None:
        section = self.sections.section(step.key)
        new = np.flatnonzero(self.alive & ~section.seen).tolist()
        if new:
            dialogues = [self.row(row).dialogue for row in new]
            for row, dialogue, verdict in zip(new, dialogues, filter.verdicts(dialogues), strict=True):
                section.add(row, dialogue, verdict)
            self.sections.changed()
        if self._telling:
            self._tell(step, filter, section, counts)
        self.alive[list(section.drops)] = False
        for row, line in section.edits.items():
            if self.alive[row]:
                counts.edited += 1
                self.lines[row] = line
                self._row.pop(row, None)

    def _tell(self, step: Step, filter: Filter, section: Section, counts: Counts) -> None:
        """Count what a filter found among the living rows."""
        counts.looked_at -= int((self.alive & section.idle).sum())
        for name, values in section.measures.items():
            limits = filter.limits(name) if isinstance(filter, Limits) else (None, None)
            counts.measured(name, values[self.alive], *limits, isinstance(filter, Limits) and name in filter.whole)
        for row, notes in section.notes.items():
            if self.alive[row] and row not in section.drops:
                self.noted += [(row, step.name, note) for note in notes]
        for row, line in section.edits.items():
            if self.alive[row]:
                show_edit(counts, self.row(row), self.rows.edited(line), self.info.ids[row])
        for row, drop in section.drops.items():
            if self.alive[row]:
                self._drop(step, row, drop, counts)

    def _drop(self, step: Step, row: int, drop: Drop, counts: Counts, kept: int | None = None) -> None:
        self.alive[row] = False
        self.fates[row] = (step.name, drop)
        counts.dropped += 1
        counts.reasons[drop.reason] += 1
        show_drop(counts, self.row(row), self.info.ids[row], drop, kept)

    def prepare(self, step: Step, filter: CorpusFilter) -> tuple[Path, Bits]:
        """What a corpus filter needs of the living rows, in a folder; and which documents in it are alive."""
        # earlier data is not edited: it shares nothing with the same bytes as input behind an edit
        folder = self.folder / (hex64(filter.prepared_by()) if self.rows.block.earlier else step.key)
        try:
            rows: NDArray[np.int64] = np.load(folder / "rows.npy")
        except OSError:
            rows = np.empty(0, np.int64)
        known = np.zeros(len(self.alive), np.bool_)
        known[rows] = True
        if not folder.exists() or (self.alive & ~known).any():
            rows = np.flatnonzero(self.alive)  # of the others a filter may have dropped some before they were edited
            self._prepare(filter, folder, rows)
        return folder, self.alive[rows]

    def _prepare(self, filter: CorpusFilter, folder: Path, rows: NDArray[np.int64]) -> None:
        beside = folder.with_name(f".{folder.name}.new")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        found = [self.row(row) for row in rows.tolist()]
        np.save(beside / "rows.npy", rows)
        filter.prepare([row.text(filter.level) for row in found], [row.number(filter.prefer) for row in found], beside)
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)

    def refused(self) -> list[bytes]:
        """Lines of refused.jsonl."""
        return [
            orjson.dumps(
                {
                    "place": self.rows.place(row),
                    "error": error,
                    "line": self.rows.row(row).line.decode("utf-8", "replace"),
                },
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for row, error in self.info.refused.items()
        ]

    def record(self, row: int) -> bytes:
        """The row as a line of ours, newline included, with the edits that were made."""
        if row not in self.lines and self.info.native[row]:
            return self.rows.line(row) + b"\n"
        return self.row(row).record()


def opened(block: Block, format: str | None, cache: Path) -> BlockWalk:
    """The walk of a block, with what is kept of it."""
    rows = Rows(block, format)
    return BlockWalk(rows, _folder(rows, format, cache))


def _folder(rows: Rows, format: str | None, cache: Path) -> Path:
    return cache / rows.digest[:2] / (rows.digest + (f"-{format}" if format else ""))


def walk(task: Task) -> Walked:
    """Do a task; one of equal blocks after the other, since they share what is kept of them."""
    rows = Rows(task.block, task.format)
    folder = _folder(rows, task.format, task.cache)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        return _walked(task, BlockWalk(rows, folder))


def _walked(task: Task, block: BlockWalk) -> Walked:
    if task.block.earlier:
        steps: Sequence[Step] = ()
    else:
        steps = task.steps[: task.upto]
    last = task.upto == len(task.steps)
    block.apply(steps, task.copies, telling=last)
    walked = Walked(block.rows.digest, len(block.rows), block.rows.torn, block.rows.lines)
    if not last:
        for step in task.steps[task.upto :]:
            if not isinstance(step.filter, CorpusFilter):
                break
            walked.shards.append(block.prepare(step, step.filter))
    else:
        walked.refused, walked.counts = block.refused(), block.counts
        _write(block, walked, task.steps, task.sample_below)
    return walked


def _write(block: BlockWalk, walked: Walked, steps: Sequence[Step], sample_below: int) -> None:
    ids = block.info.ids
    rows = np.flatnonzero(block.alive).tolist()
    kept = [block.record(row) for row in rows]
    walked.kept, walked.kept_rows = b"".join(kept), len(kept)
    walked.ids = np.fromiter((hash64(ids[row]) for row in rows), np.uint64, len(rows))
    if sample_below:
        drawn = ((hash64("sample", ids[row]), line) for row, line in zip(rows, kept, strict=True))
        walked.sample = [pair for pair in drawn if pair[0] < sample_below]
    walked.edited = int(block.alive[list(block.lines)].sum()) if block.lines else 0
    dropped = (
        {
            "id": ids[row],
            "filter": name,
            "reason": drop.reason,
            "evidence": drop.evidence,
            "record": _fragment(block, row),
        }
        for row, (name, drop) in sorted(block.fates.items())
    )
    walked.dropped = b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in dropped)
    walked.dropped_rows = len(block.fates)
    noted = [one for one in sorted(block.noted, key=lambda it: it[:2]) if block.alive[one[0]]]
    for step, counts in zip(steps, block.counts, strict=True):
        rows_of = [row for row, name, _ in noted if name == step.name]
        counts.noted, counts.notes = len(set(rows_of)), len(rows_of)
    notes = ({"id": ids[row], "filter": name, **note} for row, name, note in noted)
    walked.notes = b"".join(orjson.dumps(note, option=orjson.OPT_APPEND_NEWLINE) for note in notes)


def _fragment(block: BlockWalk, row: int) -> orjson.Fragment:
    return orjson.Fragment(block.record(row).rstrip(b"\n"))
