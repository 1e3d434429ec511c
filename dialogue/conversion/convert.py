"""A conversion: what is read, what becomes of each row, what is said of it in the end."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import orjson

from dialogue.conversion.hub import Shards, stale, write_card
from dialogue.conversion.refusals import Refusals, earlier
from dialogue.conversion.remarks import remarks
from dialogue.conversion.rows import DROPPED, skipped
from dialogue.conversion.selection import LEFT_OUT, Selection, part_names, part_path
from dialogue.conversion.source import FoldingWanted, Source
from dialogue.conversion.targets import Target, format_of
from dialogue.disk import placing, writing_to
from dialogue.errors import UsageError
from dialogue.formats import oasst
from dialogue.formats.reading import named
from dialogue.records import Dialogue, Record
from dialogue.thinking import apart


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
    split_thoughts: bool = False
    """Whether thoughts that stand within an answer's words (`<think>`) become its thoughts."""
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
    """By file or folder; none where all was dropped."""
    dropped: int
    reasons: dict[str, int]
    """Of dropped rows, the most frequent first; each in the words of its first row."""
    dropped_file: str | None
    recognised: list[str]
    skipped: list[str]
    """What was not read in folders, by name."""
    notes: list[str]
    """Of files that were named more than once, or hold nothing."""
    lost: dict[str, int]
    """What the target could not hold, and of how many dialogues."""


def convert(asked: Conversion, writer: Writer | None = None) -> Report:
    """Convert; returns what was done. Raises UsageError where nothing can be, RunStopped where the disk is full.

    `writer` writes in place of a layout of this package, JSON only.
    """
    out = asked.out.absolute()
    asked = asked.model_copy(update={"out": out.resolve() if out.name in ("", "..") else out})
    writer = writer or named("messages" if asked.to in (None, "hub") else asked.to or "messages")
    source = Source(asked.inputs, asked.from_, asked.tree_paths, asked.fold)
    outs = _outs(asked)
    dropped = asked.out.with_name(f"{asked.out.name}{DROPPED}")
    with placing(_told(asked.out)):
        _check(asked, source.files, _taken(source.files, list(outs.values()), dropped))
    with writing_to(asked.out):
        with placing(_told(asked.out)):
            asked.out.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _converted(asked, writer, source, outs, dropped)
        except FoldingWanted:
            source.fold()
            return _converted(asked, writer, source, outs, dropped)


def _converted(asked: Conversion, writer: Writer, source: Source, outs: dict[str, Path], dropped: Path) -> Report:
    chosen = _chosen(asked, source)
    with placing(_told(asked.out)):
        refusals, sinks = Refusals(dropped), [_sink(asked, name, path) for name, path in outs.items()]
    try:
        lost, left_out = _write(writer, source, chosen, sinks, refusals, asked.split_thoughts)
        _check(asked, source.files, list(outs.values()))  # another conversion may have come first
        made = {} if _nothing(sinks, refusals) else dict(zip(outs.values(), sinks, strict=True))
        for sink in sinks:
            sink.finish() if made else sink.drop()
        refusals.finish()
    except BaseException:
        for part in (*sinks, refusals):
            part.drop()
        raise
    if asked.to == "hub" and made:
        shards = {name: one for name, one in zip(outs, sinks, strict=True) if isinstance(one, Shards)}
        stale(asked.out, list(shards.values()))
        statistics = {name: one.statistics for name, one in shards.items() if one.targets}
        write_card(asked.out, statistics, "messages", [path.name for path in asked.inputs])
    return Report(
        rows=source.rows,
        dialogues=source.dialogues,
        folded=source.folded,
        left_out=left_out,
        written={str(_told(path)): sink.written for path, sink in made.items()},
        dropped=refusals.count,
        reasons=dict(refusals.reasons.most_common()),
        dropped_file=str(_told(dropped)) if refusals.count else None,
        recognised=source.recogniser.about(),
        skipped=[f"{path}/{name}" for path in asked.inputs for name in skipped(path)],
        notes=remarks(source.files),
        lost=dict(lost.most_common()),
    )


def _nothing(sinks: Sequence[Target | Shards], refusals: Refusals) -> bool:
    """Whether all was dropped: an empty file would only stand in the way of the next call."""
    return refusals.count > 0 and not any(sink.written for sink in sinks)


def _told(path: Path) -> Path:
    """The path as a person named it: below where they stand."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _outs(asked: Conversion) -> dict[str, Path]:
    """What is written, by the name of the part."""
    names = part_names(len(asked.split))
    if asked.to == "hub":
        return {name: asked.out / "data" / f"{name}-00000.parquet" for name in names}
    format_of(asked.out, asked.to)
    return {name: asked.out if len(names) == 1 else part_path(asked.out, name) for name in names}


def _taken(sources: Sequence[Path], outs: list[Path], dropped: Path) -> list[Path]:
    """What has to be free; refusals that an earlier call left, which made no file beside them, are replaced."""
    left = dropped.is_file() and not any(dropped.samefile(source) for source in sources) and earlier(dropped)
    return outs if left else [*outs, dropped]


def _check(asked: Conversion, sources: Sequence[Path], outs: Sequence[Path]) -> None:
    if asked.to == "hub":
        if asked.out.exists() and not asked.out.is_dir():
            raise UsageError(f"{_told(asked.out)}: is a file; --to hub writes a folder")
        outs = [*outs, asked.out / "README.md"]
    for out in outs:
        if out.is_dir():
            raise UsageError(f"{_told(out)}: is a folder; name a file, or write --to hub")
        if any(out.exists() and out.samefile(source) for source in sources):
            raise UsageError(f"{_told(out)}: is one of the inputs; write to another file")
        if out.exists() and not asked.overwrite:
            raise UsageError(f"{_told(out)}: is there already; --overwrite replaces it")


def _sink(asked: Conversion, name: str, path: Path) -> Target | Shards:
    if asked.to == "hub":
        return Shards(asked.out, name, "messages")
    return Target(path, format_of(asked.out, asked.to))


def _chosen(asked: Conversion, source: Source) -> Any:
    """The part that each dialogue goes to; None where all go to one."""
    if asked.sample is None and len(asked.split) == 1:
        return None
    selection = Selection(sample=asked.sample, split=asked.split, by=asked.by, seed=asked.seed)
    selection.note(dialogue for _, dialogue in source.read())
    return selection.places()


def _write(
    writer: Writer,
    source: Source,
    chosen: Any,
    sinks: list[Target | Shards],
    refusals: Refusals,
    thoughts_apart: bool,
) -> tuple[Counter[str], int]:
    """Write all dialogues; what the target could not hold and of how many, and how many no part has."""
    lost: Counter[str] = Counter()
    left_out = 0
    for number, (row, dialogue) in enumerate(source.read(refusals)):
        # A file that grew since it was looked through has rows that no place was drawn for.
        part = 0 if chosen is None else int(chosen[number]) if number < len(chosen) else LEFT_OUT
        if part == LEFT_OUT:
            left_out += 1
            continue
        dialogue = apart(dialogue) if thoughts_apart else dialogue
        try:
            lines = writer.to_line(dialogue)
        except (ValueError, orjson.JSONEncodeError) as error:  # the second: numbers and depths that JSON has not
            why = str(error).removeprefix(f"{dialogue.id}: ")  # the row's place is told, and reasons are counted
            refusals.add(row, f"as asked for it cannot be held: {why}")
            continue
        sink = sinks[part]
        sink.write(lines)
        lost.update(writer.losses(dialogue))
        if isinstance(sink, Shards):
            sink.statistics.add(dialogue)
    return lost, left_out
