"""A conversion: what is read, what becomes of each row, what is said of it in the end."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import orjson

from dialogue.conversion.folding import Folding
from dialogue.conversion.hub import Shards, write_card
from dialogue.conversion.recognition import Recogniser
from dialogue.conversion.row import Row
from dialogue.conversion.rows import files, rows
from dialogue.conversion.selection import LEFT_OUT, Selection, part_names, part_path
from dialogue.conversion.targets import Target, format_of
from dialogue.disk import writing_to
from dialogue.errors import UsageError
from dialogue.formats import oasst
from dialogue.formats.reading import named
from dialogue.records import Dialogue, Record

MOST_ROW = 1 << 16
"""Bytes of a refused row that are kept beside its reason."""


MOST_REASONS = 100


class Conversion(Record):
    """What is asked for."""

    inputs: tuple[Path, ...]
    out: Path
    from_: str = "auto"
    to: str | None = None
    """A format's name, or `hub`; None: our own."""
    sample: int | None = None
    split: tuple[float, ...] = (1.0,)
    by: str | None = None
    """Dotted path of the field whose values keep their shares in a sample and in a split."""
    seed: int = 0
    tree_paths: oasst.Paths = "best"
    fold: bool = True
    """Whether rows that begin a longer one are left out, where a format has such rows."""
    overwrite: bool = False


class Writer(Protocol):
    """What writes a layout: a module of dialogue/formats, or another that has the same."""

    def to_line(self, dialogue: Dialogue, /) -> bytes: ...

    def losses(self, dialogue: Dialogue, /) -> list[str]: ...


class Report(Record):
    """What became of it."""

    rows: int
    dialogues: int
    folded: int
    left_out: int
    written: dict[str, int]
    """By file or folder."""
    dropped: int
    reasons: dict[str, int]
    """Of dropped rows, the most frequent first; each in the words of its first row."""
    dropped_file: str | None
    recognised: list[str]
    lost: dict[str, int]
    """What the target could not hold, and of how many dialogues."""


class _Refusals:
    """Rows that were dropped, in a file of their own that is there only if there are any."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.reasons: Counter[str] = Counter()
        self._words: dict[str, str] = {}
        self._file: BinaryIO | None = None
        path.unlink(missing_ok=True)

    def add(self, row: Row, reason: str) -> None:
        self.count += 1
        general = reason.partition(" (")[0]
        known = general in self._words or len(self._words) < MOST_REASONS
        self.reasons[self._words.setdefault(general, reason) if known else "other reasons"] += 1
        if self._file is None:
            self._file = self.path.open("wb")
        told = {"place": row.place, "reason": reason, "row": row.text(MOST_ROW)}
        self._file.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _Source:
    """The dialogues of all inputs, in the same order each time they are asked for."""

    def __init__(self, asked: Conversion) -> None:
        self._asked = asked
        self.files = [file for path in asked.inputs for file in files(path)]
        self.folding: Folding | None = None
        self.begin()

    def begin(self) -> None:
        self.recogniser = Recogniser(self._asked.from_, self._asked.tree_paths)
        self.rows = self.dialogues = self.folded = 0

    def read(self, refusals: _Refusals | None = None) -> Iterator[tuple[Row, Dialogue]]:
        """Each row with its dialogues; those that begin another one are left out once folding is known."""
        self.begin()
        for file in self.files:
            for row in _trees(rows(file), self.recogniser):
                self.rows += 1
                try:
                    for dialogue in self.recogniser.dialogues(row):
                        self.dialogues += 1
                        if self.folding is not None and self.folding.begins_another(dialogue):
                            self.folded += 1
                        else:
                            yield row, dialogue
                except ValueError as error:
                    if refusals is not None:
                        refusals.add(row, str(error))

    def fold(self) -> None:
        """Look through all rows for those that begin another, where the format of the first ones has such."""
        folds = False
        for _, (_row, _dialogue) in zip(range(100), self.read(), strict=False):
            folds = folds or any(getattr(named(name), "folds", False) for name in self._formats())
        if folds:
            folding = Folding()
            folding.note(dialogue for _, dialogue in self.read())
            self.folding = folding

    def _formats(self) -> list[str]:
        from dialogue.formats.reading import names

        return [name for name in self.recogniser.counts if name in names()]


def _trees(found: Iterator[Row], recogniser: Recogniser) -> Iterator[Row]:
    """Rows as they are; those that are single messages of trees are put together once all were read."""
    parts: list[Row] = []
    for row in found:
        if recogniser.part_of_tree(row):
            parts.append(row)
        else:
            yield row
    for place, fields in oasst.whole((str(place), row.fields) for place, row in enumerate(parts)):
        first = parts[int(place)]
        yield Row(first.path, first.number, b"", dict(fields))


def convert(asked: Conversion, writer: Writer | None = None) -> Report:
    """Convert; returns what was done. Raises UsageError where nothing can be, RunStopped where the disk is full.

    `writer` writes in place of a layout of this package, JSON only.
    """
    writer = writer or named("messages" if asked.to in (None, "hub") else asked.to or "messages")
    source = _Source(asked)
    outs = _outs(asked)
    _check(asked, source.files, list(outs.values()))
    with writing_to(asked.out):
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        refusals = _Refusals(asked.out.with_name(f"{asked.out.name}.dropped.jsonl"))
        if asked.fold:
            source.fold()
        chosen = _chosen(asked, source)
        sinks = [_sink(asked, name, path) for name, path in outs.items()]
        try:
            lost, left_out = _write(writer, source, chosen, sinks, refusals)
            for sink in sinks:
                sink.finish()
        except BaseException:
            for sink in sinks:
                sink.drop()
            raise
        finally:
            refusals.close()
        if asked.to == "hub":
            splits = {name: one.statistics for name, one in zip(outs, sinks, strict=True) if isinstance(one, Shards)}
            write_card(asked.out, splits, "messages", [path.name for path in asked.inputs])
    written = {str(path): sink.written for path, sink in zip(outs.values(), sinks, strict=True)}
    return Report(
        rows=source.rows,
        dialogues=source.dialogues,
        folded=source.folded,
        left_out=left_out,
        written=written,
        dropped=refusals.count,
        reasons=dict(refusals.reasons.most_common()),
        dropped_file=str(refusals.path) if refusals.count else None,
        recognised=source.recogniser.about(),
        lost=dict(lost.most_common()),
    )


def _outs(asked: Conversion) -> dict[str, Path]:
    """What is written, by the name of the part."""
    names = part_names(len(asked.split))
    if asked.to == "hub":
        return {name: asked.out / "data" / f"{name}-00000.parquet" for name in names}
    format_of(asked.out, asked.to)
    return {name: asked.out if len(names) == 1 else part_path(asked.out, name) for name in names}


def _check(asked: Conversion, sources: list[Path], outs: list[Path]) -> None:
    for out in outs:
        if any(out.exists() and out.samefile(source) for source in sources):
            raise UsageError(f"{out}: is one of the inputs; write to another file")
        if out.exists() and not asked.overwrite:
            raise UsageError(f"{out}: is there already; --overwrite replaces it")
    if asked.to == "hub" and asked.out.exists() and not asked.out.is_dir():
        raise UsageError(f"{asked.out}: is a file; --to hub writes a folder")


def _sink(asked: Conversion, name: str, path: Path) -> Target | Shards:
    if asked.to == "hub":
        return Shards(asked.out, name, "messages")
    return Target(path, format_of(asked.out, asked.to))


def _chosen(asked: Conversion, source: _Source) -> Any:
    """The part that each dialogue goes to; None where all go to one."""
    if asked.sample is None and len(asked.split) == 1:
        return None
    selection = Selection(sample=asked.sample, split=asked.split, by=asked.by, seed=asked.seed)
    selection.note(dialogue for _, dialogue in source.read())
    return selection.places()


def _write(
    writer: Writer, source: _Source, chosen: Any, sinks: list[Target | Shards], refusals: _Refusals
) -> tuple[Counter[str], int]:
    """Write all dialogues; what the target could not hold and of how many, and how many no part has."""
    lost: Counter[str] = Counter()
    left_out = 0
    for number, (row, dialogue) in enumerate(source.read(refusals)):
        part = 0 if chosen is None else int(chosen[number])
        if part == LEFT_OUT:
            left_out += 1
            continue
        try:
            lines = writer.to_line(dialogue)
        except ValueError as error:
            refusals.add(row, f"as asked for it cannot be held: {error}")
            continue
        sink = sinks[part]
        sink.write(lines)
        lost.update(writer.losses(dialogue))
        if isinstance(sink, Shards):
            sink.statistics.add(dialogue)
    return lost, left_out
