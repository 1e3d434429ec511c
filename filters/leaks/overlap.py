"""Benchmarks whose items stand in other benchmarks: a leak of one is then a leak of both."""

from collections.abc import Sequence

from pydantic import JsonValue

from dialogue.records import Dialogue, Message
from filters.leaks.benchmark import Benchmark
from filters.leaks.index import Index
from filters.leaks.scan import scan

EXAMPLES = 5


def overlap(benchmarks: Sequence[Benchmark], index: Index) -> list[dict[str, JsonValue]]:
    """For each pair that shares items: `items` of the `of` items of `benchmark` stand in `inside`, by certain hits.

    Each item's questions are looked for like a dialogue's messages. `examples` are ids of such items.
    """
    rows: list[dict[str, JsonValue]] = []
    for one in benchmarks:
        asked = [
            Dialogue(id=item.id, messages=tuple(Message(role="user", content=text) for text in item.question))
            for item in one.items
        ]
        inside: dict[str, list[JsonValue]] = {}
        for item, hits in zip(one.items, scan(index, asked), strict=True):
            for name in sorted({hit.benchmark for hit in hits if hit.tier == "certain"} - {one.name}):
                inside.setdefault(name, []).append(item.id)
        for name, items in inside.items():
            rows.append(
                {
                    "benchmark": one.name,
                    "inside": name,
                    "items": len(items),
                    "of": len(one.items),
                    "examples": items[:EXAMPLES],
                }
            )
    return rows
