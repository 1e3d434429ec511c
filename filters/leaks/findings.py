"""What was found, per benchmark."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from filters.leaks.benchmark import Benchmark
from filters.leaks.scan import Hit


@dataclass(slots=True)
class _Found:
    """One benchmark's hits."""

    certain: int = 0
    candidate: int = 0
    judged: int = 0
    """Candidates that a judge called leaks."""
    items: set[str] = field(default_factory=set)
    suspected: set[str] = field(default_factory=set)
    dialogues: int = 0
    dialogues_suspected: int = 0
    longest_span: int = 0
    coverage: float = 0.0


class Findings:
    """Hits summed up per benchmark. A leak is a certain hit, or a candidate that a judge called one."""

    def __init__(self, benchmarks: Iterable[Benchmark]) -> None:
        self.benchmarks = tuple(benchmarks)
        self._found = {one.name: _Found() for one in self.benchmarks}

    def add(self, id: str, hits: Sequence[Hit], verdicts: Sequence[bool | None] = ()) -> None:
        """Count a dialogue's hits; `verdicts` says of each whether a judge called it a leak, None where none did."""
        said = [*verdicts, *([None] * (len(hits) - len(verdicts)))]
        leaked: set[str] = set()
        suspected: set[str] = set()
        for hit, verdict in zip(hits, said, strict=True):
            found = self._found[hit.benchmark]
            leak = hit.tier == "certain" or verdict is True
            found.certain += hit.tier == "certain"
            found.candidate += hit.tier == "candidate"
            found.judged += hit.tier == "candidate" and verdict is True
            if leak:
                found.items.add(hit.item)
                found.longest_span = max(found.longest_span, hit.span_words)
                found.coverage = max(found.coverage, hit.coverage)
                leaked.add(hit.benchmark)
            elif verdict is None:
                found.suspected.add(hit.item)
                suspected.add(hit.benchmark)
        for name in leaked:
            self._found[name].dialogues += 1
        for name in suspected:
            self._found[name].dialogues_suspected += 1

    def table(self) -> list[dict[str, JsonValue]]:
        """A row for each benchmark.

        `items_hit`, `dialogues_hit`, `longest_span` (words) and `coverage` (greatest) are of leaks, `certain` and
        `candidate` count hits, `judged` those candidates that a judge called leaks. `clean_items` are the ids of items
        without a leak, for scores on clean items alone; `suspected_items` of them have a candidate that nobody judged.
        """
        return [self._row(one) for one in self.benchmarks]

    def _row(self, benchmark: Benchmark) -> dict[str, JsonValue]:
        found = self._found[benchmark.name]
        clean: list[JsonValue] = [item.id for item in benchmark.items if item.id not in found.items]
        suspected: list[JsonValue] = [item for item in clean if item in found.suspected]
        return {
            "name": benchmark.name,
            "path": benchmark.path,
            "layout": benchmark.layout,
            "items": len(benchmark.items),
            "items_hit": len(found.items),
            "dialogues_hit": found.dialogues,
            "certain": found.certain,
            "candidate": found.candidate,
            "judged": found.judged,
            "dialogues_suspected": found.dialogues_suspected,
            "longest_span": found.longest_span,
            "coverage": found.coverage,
            "clean": len(clean),
            "clean_items": clean,
            "suspected_items": suspected,
        }
