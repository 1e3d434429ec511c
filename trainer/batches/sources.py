"""The files that a training reads, and what they are made of."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from dialogue.conversion.remarks import KEPT, empty, remarks
from dialogue.conversion.rows import files as files_behind
from dialogue.conversion.rows import layout
from dialogue.errors import UsageError
from trainer.settings import TrainSettings

BLOCK_BYTES = 1 << 16


class Source(NamedTuple):
    """A file of dialogues."""

    path: Path
    digest: str
    """16 hex digits of its bytes' SHA-256."""
    torn: bool = False
    """Whether its last line was cut off by whoever wrote it, and is left out."""
    held: bool = False
    """Whether it is held out whole: a file for validation."""


def sources(paths: Sequence[Path]) -> list[Source]:
    """The files behind what the user named, as they are. UsageError for what is not there, or cannot be read."""
    return [Source(file, _digest(file), _torn(file)) for file in files(paths)]


def told(found: Sequence[Source]) -> list[str]:
    """What is to be said of the files: named twice, with nothing in them, of the same bytes, or cut off at the end."""
    data, held = sides(found)
    return [*_told(data), *(f"validation: {line}" for line in _told(held))]


def sides(found: Sequence[Source]) -> tuple[list[Source], list[Source]]:
    """The files to learn from, and those held out."""
    data, held = ([source for source in found if source.held is side] for side in (False, True))
    return data, held


def _told(found: Sequence[Source]) -> list[str]:
    lines, known = remarks([source.path for source in found]), dict[str, Path]()
    for source in dict.fromkeys(found):
        first = known.setdefault(source.digest, source.path)
        if first.resolve() != source.path.resolve() and not empty(source.path):
            lines.append(f"{source.path}: the same bytes as {first}, and read as well")
        if source.torn:
            lines.append(f"{source.path}: its last line was cut off and is left out")
    return lines


def read_by(settings: TrainSettings) -> list[Source]:
    """All files of a training: those to learn from, then those held out. UsageError as `sources`."""
    held = held_files(settings)
    return [*sources(settings.data), *(source._replace(held=True) for source in sources(held))]


def held_files(settings: TrainSettings) -> list[Path]:
    """The files for validation, unread. UsageError for what is not there says what else one may have meant."""
    try:
        return files(settings.held_files)
    except UsageError as error:
        raise UsageError(f"validation: {error}; it takes a share below 1, a number of dialogues, or files") from None


def files(paths: Sequence[Path]) -> list[Path]:
    """The files behind what the user named, unread. UsageError for what is not there."""
    return [file for path in paths for file in _files(path)]


def _files(path: Path) -> list[Path]:
    """Of a folder that has a filter's `KEPT` that alone, whatever else there is: the filter has chosen it."""
    found = files_behind(path)
    return [path / KEPT] if path.is_dir() and (path / KEPT).is_file() else found


def _torn(path: Path) -> bool:
    """Whether a file of lines ends in half a one."""
    if layout(path) != "lines":
        return False
    with path.open("rb") as file:
        at = file.seek(0, os.SEEK_END)
        last = b""
        while at > 0 and b"\n" not in last:
            start = max(0, at - BLOCK_BYTES)
            file.seek(start)
            last, at = file.read(at - start) + last, start
    last = last.rpartition(b"\n")[2]
    try:
        orjson.loads(last or b"0")
    except orjson.JSONDecodeError:
        return last.lstrip().startswith((b"{", b"\0"))  # of one object over many lines the last begins otherwise
    return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
