"""The scan of a corpus for benchmark items: blocks to workers, what they find to a spool, the best of it remembered.

The spool has a line for each dialogue with hits: {"id", "hits": [{the fields of a Hit, "text", "text_span"}]}, where
`text` is the message, of a long one the part around the span. It stands on disk, since a large corpus has more
candidates than memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import orjson

from dialogue.chance import hex64
from dialogue.errors import UsageError
from dialogue.records import Dialogue
from filters.engine.blocks import Block, blocks
from filters.engine.rows import Refused, Row, Rows
from filters.leaks.benchmark import load_all
from filters.leaks.embedding import Near
from filters.leaks.embedding import hits as encoded
from filters.leaks.index import Index
from filters.leaks.rules import choose
from filters.leaks.scan import Hit, scan
from filters.leaks.self_test import sample

TEXT_CHARACTERS = 8000
"""Of a message that a judge is shown, around the span."""
HOST_CHARACTERS = 20_000
"""Longer dialogues carry no planted leak in the self-test."""


class Wanted(NamedTuple):
    """What is looked for; equal ones share an index in each process."""

    benchmarks: tuple[str, ...]
    digests: tuple[str, ...]
    """A benchmark that was changed meanwhile is another one."""
    certain: tuple[str, ...] | None
    candidate: tuple[str, ...] | None


@lru_cache(maxsize=1)
def index_of(wanted: Wanted) -> Index:
    """The index, built once in each process. Raises UsageError where a benchmark is not the same as at the start."""
    loaded = load_all(wanted.benchmarks)
    if tuple(one.digest for one in loaded) != wanted.digests:
        raise UsageError(f"--benchmark {', '.join(wanted.benchmarks)}: changed while it was used; run it again")
    return Index(loaded, choose(wanted.certain, wanted.candidate))


class Task(NamedTuple):
    """A block to be scanned."""

    block: Block
    format: str | None
    wanted: Wanted
    seed: int
    hosts: int
    """How many dialogues to bring along for the self-test."""
    near: Mapping[int, tuple[Near, ...]] = {}
    """What an encoder has found, by hashes of texts."""


class Candidate(NamedTuple):
    """A hit that a judge may be asked about."""

    place: tuple[str, str]
    """Benchmark and item."""
    rank: tuple[float, float, int]
    """The larger, the more alike."""
    pair: str
    """Stands for item and text: equal ones need one question."""
    number: int
    """Among the hits of its dialogue."""


class Line(NamedTuple):
    """A line of the spool."""

    id: str
    data: bytes
    candidates: tuple[Candidate, ...]


@dataclass
class Scanned:
    """What came of a block."""

    digest: str
    rows: int
    torn: bool
    refused: list[bytes] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    hosts: list[Dialogue] = field(default_factory=list)


def scan_block(task: Task) -> Scanned:
    """Scan one block. Raises UsageError with `path:line` for a line that is not JSON."""
    rows = Rows(task.block, task.format)
    scanned = Scanned(rows.digest, len(rows), rows.torn)
    dialogues = list(_dialogues(rows, scanned.refused))
    for dialogue, hits in zip(dialogues, scan(index_of(task.wanted), dialogues), strict=True):
        if found := _joined(hits, encoded(task.near, dialogue) if task.near else ()):
            scanned.lines.append(spooled(dialogue, found))
    scanned.hosts = sample((one for one in dialogues if _length(one) <= HOST_CHARACTERS), task.hosts, task.seed)
    return scanned


def readable(task: Task) -> Iterator[Dialogue]:
    """The dialogues of a block."""
    yield from _dialogues(Rows(task.block, task.format), [])


def _dialogues(rows: Rows, refused: list[bytes]) -> Iterator[Dialogue]:
    for number in range(len(rows)):
        row = rows.row(number)
        try:
            yield row.dialogue
        except Refused as error:
            refused.append(_refused(rows.place(number), row, str(error)))


def _joined(hits: Sequence[Hit], near: Sequence[Hit]) -> list[Hit]:
    """The rules' hits and the encoder's; one that both have found bears both names."""
    places = {(hit.benchmark, hit.item, hit.message): hit for hit in near}
    found = []
    for hit in hits:
        same = places.pop((hit.benchmark, hit.item, hit.message), None)
        found.append(replace(hit, rules=(*hit.rules, *same.rules)) if same else hit)
    return [*found, *places.values()]


def _refused(place: str, row: Row, error: str) -> bytes:
    line = {"place": place, "error": error, "line": row.line.decode("utf-8", "replace")}
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def spooled(dialogue: Dialogue, hits: Sequence[Hit]) -> Line:
    """The dialogue's line of the spool."""
    found, candidates = [], []
    for number, hit in enumerate(hits):
        text, span = around(dialogue.messages[hit.message].content, hit.span, TEXT_CHARACTERS)
        found.append({**asdict(hit), "text": text, "text_span": span})
        if hit.tier == "candidate":
            rank = (max(hit.coverage, hit.containment), min(hit.coverage, hit.containment), hit.span_words)
            candidates.append(
                Candidate((hit.benchmark, hit.item), rank, pair_of(hit.benchmark, hit.item, text), number)
            )
    data = orjson.dumps({"id": dialogue.id, "hits": found}, option=orjson.OPT_APPEND_NEWLINE)
    return Line(dialogue.id, data, tuple(candidates))


def pair_of(benchmark: str, item: str, text: str) -> str:
    """Stands for an item beside a text."""
    return hex64(benchmark, item, text)


def around(text: str, span: tuple[int, int], most: int) -> tuple[str, tuple[int, int]]:
    """At most so many characters of the text with the span in their middle, and where the span is in them."""
    start = max(0, min((span[0] + span[1] - most) // 2, len(text) - most))
    part = text[start : start + most]
    return part, (max(0, span[0] - start), min(len(part), span[1] - start))


def _length(dialogue: Dialogue) -> int:
    return sum(len(message.content) for message in dialogue.messages)


def tasks(
    inputs: Sequence[Path], format: str | None, wanted: Wanted, seed: int, hosts: int, spool: Path, size: int
) -> list[Task]:
    """The blocks of all inputs; what is no JSON Lines is laid out in the folder `spool` first."""
    return [Task(block, format, wanted, seed, hosts) for block in blocks(inputs, spool, size=size, format=format)]
