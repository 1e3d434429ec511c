"""What one filter found in one block, kept on disk: what was computed once is not computed again.

A block's file holds a section for each filter that saw it, by the filter's fingerprint. A section knows which rows the
filter has seen, so that a run in which more of them arrive computes only those, and a report never depends on what
was computed before.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import JsonValue

from dialogue.jsonl import write_atomically
from dialogue.records import Dialogue, encode
from filters.engine.base import Drop, Verdict

MOST_SECTIONS = 200
"""Sections that a block's file keeps; the oldest go first."""

Bits = NDArray[np.bool_]


class Section:
    """One filter's verdicts on the rows of one block."""

    def __init__(self, rows: int) -> None:
        self.seen: Bits = np.zeros(rows, np.bool_)
        self.idle: Bits = np.zeros(rows, np.bool_)
        """Rows that do not concern the filter."""
        self.drops: dict[int, Drop] = {}
        self.edits: dict[int, bytes] = {}
        """Edited rows as lines."""
        self.notes: dict[int, list[dict[str, JsonValue]]] = {}
        self.measures: dict[str, NDArray[np.float64]] = {}
        """(rows,) each; NaN where nothing was measured."""

    def add(self, row: int, before: Dialogue, verdict: Verdict) -> None:
        """Take a verdict on a row."""
        self.seen[row] = True
        self.idle[row] = verdict.idle
        if isinstance(verdict.outcome, Drop):
            self.drops[row] = verdict.outcome
        elif verdict.outcome is not before:
            self.edits[row] = encode(verdict.outcome)
        if verdict.notes:
            self.notes[row] = list(verdict.notes)
        for name, value in verdict.measures.items():
            if name not in self.measures:
                self.measures[name] = np.full(len(self.seen), np.nan)
            self.measures[name][row] = value

    def to_json(self) -> dict[str, Any]:
        """As an object that `from_json` reads."""
        return {
            "rows": len(self.seen),
            "seen": _text(np.packbits(self.seen)),
            "idle": _text(np.packbits(self.idle)),
            "drops": {str(row): [drop.reason, drop.evidence] for row, drop in self.drops.items()},
            "edits": {str(row): line.decode() for row, line in self.edits.items()},
            "notes": {str(row): notes for row, notes in self.notes.items()},
            "measures": {name: _text(values[self.seen]) for name, values in self.measures.items()},
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Section":
        """The section in an object."""
        section = cls(fields["rows"])
        section.seen, section.idle = (_bits(fields[name], fields["rows"]) for name in ("seen", "idle"))
        section.drops = {int(row): Drop(*drop) for row, drop in fields["drops"].items()}
        section.edits = {int(row): line.encode() for row, line in fields["edits"].items()}
        section.notes = {int(row): notes for row, notes in fields["notes"].items()}
        for name, text in fields["measures"].items():
            values = np.full(fields["rows"], np.nan)
            values[section.seen] = np.frombuffer(b64decode(text), np.float64)
            section.measures[name] = values
        return section


def _bits(text: str, rows: int) -> Bits:
    return np.unpackbits(np.frombuffer(b64decode(text), np.uint8), count=rows) > 0


def _text(values: NDArray[Any]) -> str:
    return b64encode(np.ascontiguousarray(values).tobytes()).decode()


class Sections:
    """The sections of one block, read and written as one file."""

    def __init__(self, path: Path, rows: int) -> None:
        self._path = path
        self._rows = rows
        self._changed = False
        try:
            self._stored: dict[str, Any] = orjson.loads(path.read_bytes())
        except (OSError, orjson.JSONDecodeError):  # a cache: what cannot be read is computed again
            self._stored = {}
        self._open: dict[str, Section] = {}

    def section(self, key: str) -> Section:
        """The section under a key, empty where there is none."""
        if key not in self._open:
            stored = self._stored.get(key)
            usable = stored if stored and stored["rows"] == self._rows else None
            self._open[key] = Section.from_json(usable) if usable else Section(self._rows)
        return self._open[key]

    def changed(self) -> None:
        """Something was added."""
        self._changed = True

    def save(self) -> None:
        """Write the file where something was added; the sections just used stand last."""
        if not self._changed:
            return
        for key, section in self._open.items():
            self._stored.pop(key, None)
            self._stored[key] = section.to_json()
        for key in list(self._stored)[:-MOST_SECTIONS]:
            del self._stored[key]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path, (orjson.dumps(self._stored),))
        self._changed = False
