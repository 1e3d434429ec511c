"""A corpus through a chain: blocks to workers, decisions on copies between, the result written in one piece."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from dialogue.disk import writing_to
from dialogue.lock import take_folder
from filters.engine.base import Copies, CorpusFilter, Filter, Shard
from filters.engine.block_walk import CopyOf, Task, Walked, walk
from filters.engine.blocks import Block, blocks
from filters.engine.chain import Step, chain
from filters.engine.corpus import PreparedCorpus, by_block
from filters.engine.counts import Counts
from filters.engine.examples import clipped
from filters.engine.pool import Pool, pool
from filters.engine.report import Input, report
from filters.engine.sample import Sample
from filters.engine.settings import FilterSettings
from filters.engine.writing import Output
from filters.pages.filter_page import filter_page

OnProgress = Callable[[str, int, int], None]
"""Called with what is being done, bytes done, bytes in all."""

INLINE_BYTES = 4 << 20
"""A corpus below this is not worth the start of worker processes."""


def filtered(settings: FilterSettings, on_progress: OnProgress = lambda stage, done, total: None) -> dict[str, Any]:
    """Filter into the output folder; returns the report, which is also in report.json.

    Raises UsageError for wrong settings or input, before anything is written; RunStopped where the disk is full.
    """
    return run(chain(settings.filters, settings.places or "filters"), settings, on_progress)


def run(
    steps: Sequence[Step], settings: FilterSettings, on_progress: OnProgress = lambda stage, done, total: None
) -> dict[str, Any]:
    """`filtered` for a chain that is made already."""
    with Output(settings.out, settings.as_asked()) as output, _taken(settings):
        spool = settings.cache_folder / "spool"
        cut = settings.block_bytes
        own = blocks(settings.inputs, spool, size=cut, format=settings.format)
        parts = [*own, *blocks(settings.against, spool, earlier=True, size=cut)]
        size = sum(part.end - part.start for part in parts)
        with pool(settings.workers if size >= INLINE_BYTES else 1) as workers:
            walk_through = _Run(settings, steps, parts, workers, on_progress)
            walk_through.decide()
            return walk_through.write(output)


@contextmanager
def _taken(settings: FilterSettings) -> Iterator[None]:
    """The folder of computed things under lock, where it is another than the output folder: two would spoil it."""
    folder = settings.cache_folder
    if folder.resolve() == settings.out.resolve():
        yield
        return
    lock = take_folder(folder, "--cache")
    try:
        with writing_to(folder):  # what is written to the output folder says so itself
            yield
    finally:
        lock.release()


class _Run:
    """One filtering under way."""

    def __init__(
        self,
        settings: FilterSettings,
        steps: Sequence[Step],
        parts: Sequence[Block],
        workers: Pool,
        on_progress: OnProgress,
    ) -> None:
        self._settings, self._steps, self._parts = settings, steps, parts
        self._workers, self._on_progress = workers, on_progress
        self._first_lines = [1 for _ in parts]
        """The number in its file of each block's first line, known after the first pass."""
        self._copies: list[dict[int, dict[int, CopyOf]]] = [{} for _ in parts]
        """For each block the rows that each corpus filter drops, by the filter's place."""
        self._decided: dict[int, tuple[PreparedCorpus, Copies]] = {}
        wanted = max((step.filter.samples for step in steps if isinstance(step.filter, Filter)), default=0)
        self._sample = Sample(wanted, sum(part.end - part.start for part in parts if not part.earlier))

    def decide(self) -> None:
        """Let every corpus filter decide, each after the filters before it."""
        place = 0
        while place < len(self._steps):
            if not isinstance(self._steps[place].filter, CorpusFilter):
                place += 1
                continue
            walked = [
                found.shards for _, found in self._walked(place, self._parts, f"before {self._steps[place].name}")
            ]
            for offset in range(len(walked[0]) if walked else 0):
                self._decide(place + offset, [shards[offset] for shards in walked])
            place += max(1, len(walked[0]) if walked else 1)

    def _decide(self, place: int, shards: Sequence[tuple[Path, Any]]) -> None:
        step = self._steps[place]
        assert isinstance(step.filter, CorpusFilter)
        self._on_progress(step.name, 0, 1)
        living = [
            Shard(folder, alive & ~self._lost(folder, number, place), self._parts[number].earlier)
            for number, (folder, alive) in enumerate(shards)
        ]
        corpus = PreparedCorpus(
            step.filter, self._parts, living, self._steps[:place], self._copies, self._settings.format,
            self._settings.cache_folder, self._first_lines,
        )  # fmt: skip
        copies = step.filter.decide(corpus)
        for number, rows in enumerate(by_block(corpus, copies)):
            self._copies[number][place] = rows
        self._decided[place] = corpus, copies
        self._on_progress(step.name, 1, 1)

    def _lost(self, folder: Path, number: int, place: int) -> Any:
        """Which documents of a shard a corpus filter before this one, in the same group, has dropped."""
        rows = np.load(folder / "rows.npy")
        gone = {row for earlier, found in self._copies[number].items() if earlier < place for row in found}
        return np.isin(rows, np.fromiter(gone, np.int64, len(gone)))

    def _walked(self, upto: int, parts: Sequence[Block], stage: str) -> Iterator[tuple[int, Walked]]:
        total, done = sum(part.end - part.start for part in parts), 0
        tasks = (
            Task(part, None if part.earlier else self._settings.format, tuple(self._steps), upto, self._copies[number],
                 self._settings.cache_folder, self._sample.below)
            for number, part in enumerate(parts)
        )  # fmt: skip
        self._on_progress(stage, 0, total)
        for number, found in enumerate(self._workers.map(walk, tasks)):
            if number + 1 < len(parts) and parts[number + 1].start and parts is self._parts:
                self._first_lines[number + 1] = self._first_lines[number] + found.lines
            yield number, found
            done += parts[number].end - parts[number].start
            self._on_progress(stage, done, total)

    def write(self, output: Output) -> dict[str, Any]:
        """Write kept, dropped and noted lines and the reports."""
        counts = [Counts() for _ in self._steps]
        inputs: dict[str, Input] = {}
        own = [part for part in self._parts if not part.earlier]
        for number, found in self._walked(len(self._steps), own, "writing"):
            output.add(found)
            self._sample.add(found.sample)
            for whole, part in zip(counts, found.counts, strict=True):
                whole.add(part)
            file = inputs.setdefault(own[number].name, Input(own[number].name))
            file.add(own[number].end, found.rows, found.torn, found.digest)
        for place, (_, copies) in self._decided.items():
            kind = self._steps[place].filter
            if isinstance(kind, CorpusFilter) and kind.lines_file is not None:
                output.lines(kind.lines_file, copies.lines)
        details, beside = self._details(output), self._beside(counts)
        found_report = report(self._settings, self._steps, counts, inputs.values(), output, details, beside)
        output.close(found_report, filter_page(found_report))
        return found_report

    def _details(self, output: Output) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for place, step in enumerate(self._steps):
            if isinstance(step.filter, CorpusFilter):
                found.append(self._decided[place][1].details)
            else:
                sample = self._sample.dialogues() if step.filter.samples else ()
                found.append(step.filter.details(output.dropped_by(step.name), output.notes_of(step.name), sample))
        return found

    def _beside(self, counts: Sequence[Counts]) -> dict[tuple[int, str], dict[str, Any]]:
        """By filter and example, the dialogue that was kept instead of it."""
        found: dict[tuple[int, str], dict[str, Any]] = {}
        for place, (corpus, _) in self._decided.items():
            for example in counts[place].examples:
                if example.kept is not None:
                    shard, row = corpus.place(example.kept)
                    dialogue = corpus.walked(shard).row(row).dialogue
                    found[place, example.id] = {"id": dialogue.id, "messages": clipped(dialogue)}
        return found
