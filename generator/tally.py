"""What a run has done so far, beside what it has spent: counted once, kept over restarts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Tally:
    """Counts of a run since its first call."""

    dialogues: int = 0
    failed: int = 0
    """Failures as they happened; a retried one that then succeeds stays counted here."""
    turns: int = 0
    """Messages of either side made by a model."""
    stops: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
    """Checks that fired, by name; each had its turn asked again."""
    lists: Counter[str] = field(default_factory=Counter)
    """Lists of the opener writer by how they were read: "schema", "text", or the fault."""

    def finished(self, stop: str) -> None:
        """Count a dialogue that came to its end."""
        self.dialogues += 1
        self.stops[stop] += 1

    def lost(self, reason: str) -> None:
        """Count a dialogue that failed."""
        self.failed += 1
        self.reasons[reason] += 1

    def as_dict(self) -> dict[str, Any]:
        """For the checkpoint and the summary."""
        return {
            "dialogues": self.dialogues,
            "failed": self.failed,
            "turns": self.turns,
            "stops": dict(self.stops),
            "reasons": dict(self.reasons),
            "noted": dict(self.noted),
            "lists": dict(self.lists),
        }

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "Tally":
        """As `as_dict` gave it; absent fields are zero."""
        tally = cls(fields.get("dialogues", 0), fields.get("failed", 0), fields.get("turns", 0))
        for name in ("stops", "reasons", "noted", "lists"):
            getattr(tally, name).update(fields.get(name, {}))
        return tally


def fold(totals: dict[str, Any], event: Mapping[str, Any]) -> None:
    """Add one event of the journal, or one line of lists.jsonl, to totals as `Tally` and `Meter` write them."""
    tally = totals.setdefault("tally", {})
    kind = event["k"]
    if kind == "turn" and event["side"] != "tool":
        tally["turns"] = tally.get("turns", 0) + 1
        _pay(totals, event["side"], event["usage"])
        again = (event.get("plan") or {}).get("again")
        if again and "refused" not in event:  # else each of those replies has a line, and is counted by it
            _count(tally, "noted", again)
        _note(tally, event)
    elif kind in ("reply", "spent"):
        _pay(totals, event["side"], event["usage"])
        _note(tally, event)
    elif kind == "list":
        if "how" in event:  # else a reply that was no list
            _count(tally, "lists", event["how"])
        _pay(totals, "opener", event["usage"])
    elif kind == "done":
        tally["dialogues"] = tally.get("dialogues", 0) + 1
        _count(tally, "stops", event["stop"])
    elif kind == "fail":
        tally["failed"] = tally.get("failed", 0) + 1
        _count(tally, "reasons", event["failure"]["reason"])


def _note(tally: dict[str, Any], event: Mapping[str, Any]) -> None:
    if noted := event.get("noted"):
        _count(tally, "noted", noted)


def _count(tally: dict[str, Any], table: str, word: str) -> None:
    counts = tally.setdefault(table, {})
    counts[word] = counts.get(word, 0) + 1


def _pay(totals: dict[str, Any], role: str, usage: Mapping[str, int]) -> None:
    paid = totals.setdefault("meter", {}).setdefault("roles", {}).setdefault(role, {})
    for name, count in usage.items():
        paid[name] = paid.get(name, 0) + count
    paid["replies"] = paid.get("replies", 0) + usage["requests"]
    if "prompt_tokens" not in usage or "completion_tokens" not in usage:
        paid["unreported"] = paid.get("unreported", 0) + usage["requests"]
    paid["longest"] = max(paid.get("longest", 0), usage.get("completion_tokens", 0) // max(1, usage["requests"]))
