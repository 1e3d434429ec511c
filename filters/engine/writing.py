"""The output folder of a filtering: one request, one result, and that in one piece.

kept.jsonl      the dialogues that passed, edits made
dropped.jsonl   the others: {"id", "filter", "reason", "evidence", "record"}
notes.jsonl     kept, and to be looked at: {"id", "filter", ...}
refused.jsonl   lines that are JSON and no dialogue: {"place", "error", "line"}
pairs.jsonl     near duplicates that were found
report.json     counts, measures, examples; written last: where it stands, the rest is whole
report.html     the same, to be read
filter.json     what was asked, and the files of lines that it gave
work/           what was computed; may be deleted, a later call then computes it again
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from io import BufferedWriter
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import JsonValue

from dialogue.chance import hash64
from dialogue.disk import stopped, writing_to
from dialogue.errors import UsageError
from dialogue.jsonl import objects, write_atomically
from dialogue.lock import take_folder
from filters.engine.base import Drop
from filters.engine.block_walk import Walked

FILES = ("kept.jsonl", "dropped.jsonl", "notes.jsonl", "refused.jsonl")
REPORT = "report.json"
FOREIGN = (*FILES, REPORT, "report.html", "dialogues.jsonl", "run.json", "contamination.json", "hits.jsonl")
"""Files of another command, where filter.json is not beside them; some would be replaced."""


class Output:
    """An output folder under lock; results become visible at `close`."""

    def __init__(self, folder: Path, asked: Mapping[str, Any]) -> None:
        self.folder = folder
        self.read = self.kept = self.dropped = self.refused = self.edited = 0
        self.first_refused: str | None = None
        """Place and trouble of the first line that is no dialogue."""
        self._lock = take_folder(folder)
        self._open: dict[str, BufferedWriter] = {}
        self._ids: list[NDArray[np.uint64]] = []
        try:
            self._before = self._check(asked)
            self._asked = asked
            with writing_to(folder):
                for name in FILES:
                    self._open[name] = self._new(name).open("wb")
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> "Output":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._open.values():
            with suppress(OSError):
                file.close()
        for path in self.folder.glob(".*.new"):
            path.unlink(missing_ok=True)
        self._lock.release()
        if isinstance(error, OSError):
            raise stopped(error, Path(str(error.filename or self.folder))) from None

    def _check(self, asked: Mapping[str, Any]) -> set[str]:
        """The files of the result that is there, which other filters replace; UsageError where its input was other."""
        try:
            before = orjson.loads((self.folder / "filter.json").read_bytes())
        except (OSError, orjson.JSONDecodeError):
            before = None
        if before is not None and before.get("inputs") != asked["inputs"]:
            raise UsageError(
                f"--out {self.folder}: holds what was filtered from {', '.join(before.get('inputs', ['?']))}, "
                f"not from {', '.join(asked['inputs'])}; name another folder"
            )
        if before is None and any((self.folder / name).exists() for name in FOREIGN):
            raise UsageError(f"--out {self.folder}: holds files of another kind; name another folder")
        return set(before.get("files", ())) if before is not None else set()

    def _new(self, name: str) -> Path:
        return self.folder / f".{name}.new"

    def add(self, walked: Walked) -> None:
        """Take a block's lines."""
        with writing_to(self.folder):
            self._open["kept.jsonl"].write(walked.kept)
            self._open["dropped.jsonl"].write(walked.dropped)
            self._open["notes.jsonl"].write(walked.notes)
            self._open["refused.jsonl"].writelines(walked.refused)
        self.read += walked.rows
        self.kept += walked.kept_rows
        self.dropped += walked.dropped_rows
        self.refused += len(walked.refused)
        if walked.refused and self.first_refused is None:
            line = orjson.loads(walked.refused[0])
            self.first_refused = f"{line['place']}: {line['error']}"
        self.edited += walked.edited
        self._ids.append(walked.ids)

    def lines(self, name: str, lines: Iterable[bytes]) -> None:
        """Write a file of lines that a corpus filter gives."""
        with writing_to(self.folder):
            self._open[name] = self._new(name).open("wb")
            self._open[name].writelines(lines)

    def dropped_by(self, filter: str) -> Iterator[tuple[str, Drop]]:
        """Id and drop of each dialogue that this filter has dropped."""
        self._flush("dropped.jsonl")
        for _, line in objects(self._new("dropped.jsonl")):
            if line["filter"] == filter:
                yield line["id"], Drop(line["reason"], line["evidence"])

    def notes_of(self, filter: str) -> Iterator[dict[str, JsonValue]]:
        """The notes of this filter."""
        self._flush("notes.jsonl")
        for _, line in objects(self._new("notes.jsonl")):
            if line["filter"] == filter:
                yield line

    def repeated_ids(self) -> dict[str, JsonValue]:
        """How many kept dialogues bear an id that another one bears, how many such ids there are, and the first."""
        hashes, times = np.unique(np.concatenate([np.empty(0, np.uint64), *self._ids]), return_counts=True)
        repeated = set(hashes[times > 1].tolist())
        if not repeated:
            return {"dialogues": 0, "ids": 0, "such_as": None}
        self._flush("kept.jsonl")
        ids = (line["id"] for _, line in objects(self._new("kept.jsonl")))
        first = next(id for id in ids if hash64(id) in repeated)
        return {"dialogues": int(times[times > 1].sum()), "ids": len(repeated), "such_as": first}

    def _flush(self, name: str) -> None:
        with writing_to(self.folder):
            self._open[name].flush()

    def close(self, report: dict[str, Any], page: str) -> None:
        """Put everything in place, the report last; checked first: what was read was kept, dropped or refused."""
        with writing_to(self.folder):
            self._close(report, page)

    def _close(self, report: dict[str, Any], page: str) -> None:
        for file in self._open.values():
            file.flush()
            os.fsync(file.fileno())
        found = {name: _count_lines(self._new(name)) for name in FILES}
        whole = found["kept.jsonl"] + found["dropped.jsonl"] + found["refused.jsonl"]
        if whole != self.read or found["kept.jsonl"] != self.kept or found["dropped.jsonl"] != self.dropped:
            raise RuntimeError(f"{self.read} dialogues were read, {found} written: a bug of ours, nothing was replaced")
        (self.folder / REPORT).unlink(missing_ok=True)
        request = {**self._asked, "files": sorted(self._open)}
        write_atomically(self.folder / "filter.json", (orjson.dumps(request, option=orjson.OPT_INDENT_2),))
        for name in self._before - self._open.keys():  # another chain's, such as pairs.jsonl
            (self.folder / name).unlink(missing_ok=True)
        for name in self._open:
            self._new(name).replace(self.folder / name)
        if not self.refused:
            (self.folder / "refused.jsonl").unlink()
        write_atomically(self.folder / "report.html", (page.encode("utf-8", "replace"),))
        write_atomically(self.folder / REPORT, (orjson.dumps(report, option=orjson.OPT_INDENT_2),))


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
