"""report.json: what each filter did, on what, with which settings; the same however the request was run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from xxhash import xxh3_128

from dialogue.conversion.rows import skipped
from filters.engine.base import Limits
from filters.engine.chain import Step
from filters.engine.counts import Counts, Example
from filters.engine.settings import FilterSettings
from filters.engine.writing import Output


@dataclass
class Input:
    """One file that was read."""

    path: str
    bytes: int = 0
    rows: int = 0
    torn: bool = False
    """Its last line was cut off and left out."""
    _digests: xxh3_128 = field(default_factory=xxh3_128)

    def add(self, end: int, rows: int, torn: bool, digest: str) -> None:
        """Take the block of it that goes up to byte `end`."""
        self.bytes = end
        self.rows += rows
        self.torn = self.torn or torn
        self._digests.update(digest.encode())

    def to_json(self) -> dict[str, Any]:
        """Path, size, and a digest of its blocks' digests."""
        torn = {"torn": True} if self.torn else {}
        return {"path": self.path, "bytes": self.bytes, "rows": self.rows, "digest": self._digests.hexdigest(), **torn}


def report(
    settings: FilterSettings,
    steps: Sequence[Step],
    counts: Sequence[Counts],
    inputs: Iterable[Input],
    output: Output,
    details: Sequence[Mapping[str, Any]],
    beside: Mapping[tuple[int, str], Mapping[str, Any]],
) -> dict[str, Any]:
    """The report; `beside` has, by filter and example, the dialogue that was kept instead."""
    return {
        "read": output.read,
        "kept": output.kept,
        "dropped": output.dropped,
        "refused": output.refused,
        "first_refused": output.first_refused,
        "edited": output.edited,
        "repeated_ids": output.repeated_ids(),
        "notes": "notes.jsonl" if any(found.noted for found in counts) else None,
        "filters": [
            _filter(step, found, more, {id: other for (at, id), other in beside.items() if at == place})
            for place, (step, found, more) in enumerate(zip(steps, counts, details, strict=True))
        ],
        "settings": {"preset": settings.preset, "filters": list(settings.filters)},
        "inputs": [file.to_json() for file in inputs],
        "skipped": [f"{path}/{name}" for path in settings.inputs for name in skipped(path)],
        "against": [str(path) for path in settings.against],
        "versions": {"duologue": _version()},
    }


def _filter(
    step: Step, counts: Counts, details: Mapping[str, Any], beside: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "name": step.name,
        "use": step.use,
        "read": counts.read,
        "looked_at": counts.looked_at,
        "dropped": counts.dropped,
        "earlier": counts.earlier,
        "edited": counts.edited,
        "noted": counts.noted,
        "notes": counts.notes,
        "reasons": dict(sorted(counts.reasons.items(), key=lambda item: (-item[1], item[0]))),
        "settings": step.filter.model_dump(mode="json"),
        "measures": _measures(step, counts),
        "details": dict(details),
        "examples": [_example(example, beside.get(example.id)) for example in counts.examples],
        "edits": [{"id": one.id, "messages": one.messages, "after": one.after} for one in counts.edits],
    }


def _measures(step: Step, counts: Counts) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, values in sorted(counts.values.items()):
        least, most = step.filter.limits(name) if isinstance(step.filter, Limits) else (None, None)
        found[name] = {
            "values": [list(pair) for pair in sorted(values.items())],
            "least": least,
            "most": most,
            "at": [list(pair) for pair in sorted(counts.beyond[name].items())],
            "at_least": [list(pair) for pair in sorted(counts.below.get(name, {}).items())],
        }
    return found


def _example(example: Example, beside: Mapping[str, Any] | None) -> dict[str, Any]:
    found = {
        "id": example.id,
        "reason": example.reason,
        "evidence": dict(example.evidence),
        "messages": example.messages,
    }
    return found if beside is None else {**found, "beside": dict(beside)}


def _version() -> str:
    try:
        return version("duologue")
    except PackageNotFoundError:
        return "not installed"
