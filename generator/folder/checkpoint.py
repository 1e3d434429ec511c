"""checkpoint.json: how far the logs had come, so that a resume reads only what was written after it.

A checkpoint is a convenience. It names the logs' lengths and a hash of the bytes before each; one that does not fit
the logs is not used, and everything it says is then counted anew from them.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from dialogue.jsonl import write_atomically
from generator.folder.appendlog import AppendLog
from generator.folder.ledger import Ledger

_HASHED_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a run at one moment."""

    journal_low: int
    """The smallest offset in the journal that a dialogue open at that moment still needs."""
    ends: dict[str, int]
    """The length of each log, by the name of its file."""
    done: bytes
    """One bit for each finished dialogue, lowest bit first."""
    failed: dict[int, int]
    """The offset of the `fail` line of each failed dialogue."""
    totals: bytes
    """The caller's counts over everything before `ends`, as JSON."""

    def write(self, path: Path) -> None:
        """Put the checkpoint in the file, whole or not at all."""
        hashes = {name: hash_before(path.with_name(name), end) for name, end in self.ends.items()}
        fields = {
            "journal_low": self.journal_low,
            "ends": self.ends,
            "hashes": hashes,
            "totals": orjson.Fragment(self.totals),
            "failed": self.failed,
            "done": b64encode(self.done).decode(),
        }
        write_atomically(path, [orjson.dumps(fields, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE)])


def take(journal: AppendLog, logs: list[AppendLog], ledger: Ledger, totals: Mapping[str, Any]) -> Checkpoint:
    """The state as it is now, independent of what is written afterwards."""
    return Checkpoint(
        journal_low=ledger.low(journal.end),
        ends={log.path.name: log.end for log in logs},
        done=bytes(ledger.done),
        failed=dict(ledger.failed),
        totals=orjson.dumps(totals),
    )


def read(path: Path, logs: list[AppendLog]) -> Checkpoint | None:
    """The checkpoint in the file; None where it is missing, damaged or of other logs than these."""
    try:
        fields = orjson.loads(path.read_bytes())
        hashes = fields["hashes"]
        saved = Checkpoint(
            journal_low=int(fields["journal_low"]),
            ends={log.path.name: int(fields["ends"][log.path.name]) for log in logs},
            done=b64decode(fields["done"], validate=True),
            failed={int(index): int(offset) for index, offset in fields["failed"].items()},
            totals=orjson.dumps(fields["totals"]),
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return saved if all(_fits(log, saved.ends[log.path.name], hashes.get(log.path.name)) for log in logs) else None


def _fits(log: AppendLog, end: int, digest: object) -> bool:
    return 0 <= end <= log.end and hash_before(log.path, end) == digest


def hash_before(path: Path, end: int) -> str:
    """A hash of the file's last bytes before `end`."""
    with path.open("rb", buffering=0) as file:
        file.seek(max(0, end - _HASHED_BYTES))
        return blake2b(file.read(min(end, _HASHED_BYTES)), digest_size=16).hexdigest()
