"""Dialogues that hold items of a benchmark: certain leaks are dropped, candidates noted for a judge.

How each rule does on planted leaks, published rewrites and clean dialogues: docs/benchmarks.md. The rules with their
sources: filters/leaks/rules.toml.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import orjson
from pydantic import JsonValue, TypeAdapter, model_validator

from dialogue.chance import hex64
from dialogue.errors import UsageError
from dialogue.jsonl import objects
from dialogue.records import Dialogue
from filters.engine.base import Drop, Filter, Verdict

if TYPE_CHECKING:
    from filters.leaks.benchmark import Item
    from filters.leaks.index import Index
    from filters.leaks.scan import Hit

    Items = dict[tuple[str, str], Item]

CLIP = 400
"""Characters of each text that the evidence shows."""


class Contamination(Filter):
    """Drops dialogues that hold an item of a benchmark, and notes those that may hold one.

    Reason: `contamination`. The evidence names benchmark, item, rule, tier, and the words that both texts have. Whether
    a candidate is a leak a judge can say (`gen contamination --judge`); `judged` then names what it said.
    """

    samples: ClassVar[int] = 200

    benchmarks: tuple[str, ...]
    """Files: PATH, NAME=PATH with the name of a layout in filters/benchmarks/ or any other, or MAP.toml with a
    layout of your own."""
    certain: tuple[str, ...] | None = None
    """Rules whose hits are dropped; by default those that filters/leaks/rules.toml names."""
    candidate: tuple[str, ...] | None = None
    """Rules whose hits are noted; by default those that filters/leaks/rules.toml names."""
    judged: str | None = None
    """hits.jsonl of a `gen contamination` on the same dialogues: candidates judged to be leaks are dropped as well."""
    plants: int = 50
    """Leaks of each kind planted into kept dialogues to measure what the rules find; 0 leaves the self-test out."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.benchmarks:
            raise ValueError("benchmarks: name one at least")
        return self

    def fingerprint(self) -> str:
        """The benchmarks' contents, the rules' text and the verdicts are part of it."""
        from filters.leaks.benchmark import load_all
        from filters.leaks.rules import choose

        rules = map(repr, choose(self.certain, self.candidate))
        judged = Path(self.judged).read_bytes() if self.judged and Path(self.judged).exists() else b""
        digests = (one.digest for one in load_all(self.benchmarks))
        return hex64(super().fingerprint(), *digests, *rules, judged.hex())

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """The dialogue, or Drop with its best hit."""
        return next(iter(self.verdicts([dialogue]))).outcome

    def verdicts(self, dialogues: Sequence[Dialogue]) -> Iterator[Verdict]:
        """Verdicts on many dialogues at once, which is how the scan is fast."""
        from filters.leaks.scan import scan

        index, items = self._index()
        leaks = _judged(self.judged)
        for dialogue, hits in zip(dialogues, scan(index, dialogues), strict=True):
            notes = [evidence(items[hit.benchmark, hit.item], dialogue, hit) for hit in hits]
            for hit, note in zip(hits, notes, strict=True):
                if hit.tier == "certain" or (dialogue.id, hit.benchmark, hit.item, hit.message) in leaks:
                    yield Verdict(Drop("contamination", note))
                    break
            else:
                yield Verdict(dialogue, {}, notes)

    def details(
        self,
        dropped: Iterable[tuple[str, Drop]],
        notes: Iterable[dict[str, JsonValue]],
        sample: Sequence[Dialogue],
    ) -> dict[str, JsonValue]:
        """Table of benchmarks, overlap between them, and the self-test."""
        from filters.leaks.findings import Findings
        from filters.leaks.overlap import overlap
        from filters.leaks.self_test import self_test

        index, _ = self._index()
        findings = Findings(index.benchmarks)
        for id, drop in dropped:
            findings.add(id, [_hit(drop.evidence)], [True])
        for note in notes:
            findings.add(str(note["id"]), [_hit(note)])
        table: list[JsonValue] = [{**row} for row in findings.table()]
        shared: list[JsonValue] = [{**row} for row in overlap(index.benchmarks, index)]
        tested = self_test(index, sample, plants_per_kind=self.plants) if self.plants and sample else None
        return {"benchmarks": table, "overlap": shared, "self_test": tested}

    def _index(self) -> "tuple[Index, Items]":
        from filters.leaks.benchmark import sources

        changed = (path for one in self.benchmarks for path in sources(one))
        times = tuple(path.stat().st_mtime_ns for path in changed)
        return _made(self.benchmarks, self.certain, self.candidate, times)


@cache
def _made(
    benchmarks: tuple[str, ...],
    certain: tuple[str, ...] | None,
    candidate: tuple[str, ...] | None,
    changed_ns: tuple[int, ...],
) -> "tuple[Index, Items]":
    """The index and its items, once in a process; `changed_ns` are the files' times."""
    from filters.leaks.benchmark import load_all
    from filters.leaks.index import Index
    from filters.leaks.rules import choose

    index = Index(load_all(benchmarks), choose(certain, candidate))
    return index, {(one.name, item.id): item for one in index.benchmarks for item in one.items}


def _judged(path: str | None) -> frozenset[tuple[str, str, str, int]]:
    """What a judge called leaks: dialogue, benchmark, item, message."""
    if path is None:
        return frozenset()
    if not Path(path).exists():
        raise UsageError(f"contamination: judged = {path!r}: no such file")
    return _leaks(Path(path), Path(path).stat().st_mtime_ns)


@cache
def _leaks(path: Path, changed_ns: int) -> frozenset[tuple[str, str, str, int]]:
    return frozenset(
        (line["id"], line["benchmark"], line["item"], line["message"])
        for _, line in objects(path)
        if line.get("verdict") == "leak"
    )


def evidence(item: "Item", dialogue: Dialogue, hit: "Hit") -> dict[str, JsonValue]:
    """The hit's fields with both texts, clipped around what they have in common; `text_span` is the span in `text`."""
    content = dialogue.messages[hit.message].content
    start, end = hit.span
    begin = max(0, min(start - (CLIP - (end - start)) // 2, len(content) - CLIP))
    whole = {"question": item.question, "answer": item.answer, "passage": (item.passage or "",)}[hit.part]
    fields: dict[str, JsonValue] = orjson.loads(orjson.dumps(asdict(hit)))
    return {
        **fields,
        "text": content[begin : begin + CLIP],
        "text_span": [max(0, start - begin), min(CLIP, end - begin)],
        "item_text": "\n".join(whole)[:CLIP],
    }


def _hit(fields: Mapping[str, JsonValue]) -> "Hit":
    from filters.leaks.scan import Hit

    return TypeAdapter(Hit).validate_python({name: fields[name] for name in Hit.__dataclass_fields__})
