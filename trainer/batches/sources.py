"""The files that a training reads, and what they are made of."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from dialogue.errors import UsageError
from dialogue.mixtures import runs_in

BLOCK_BYTES = 1 << 16
IN_FOLDERS = ("kept.jsonl", "dialogues.jsonl")
"""What is read of a folder: of a filter's, what it kept; of a run's, its dialogues."""


class Source(NamedTuple):
    """A file of dialogues."""

    path: Path
    digest: str
    """16 hex digits of its bytes' SHA-256."""
    torn: bool = False
    """Whether its last line was cut off by whoever wrote it, and is left out."""


def sources(paths: Sequence[Path]) -> list[Source]:
    """The files behind what the user named, as they are. UsageError for what is not there."""
    return [Source(path, _digest(path), _torn(path)) for path in files(paths)]


def files(paths: Sequence[Path]) -> list[Path]:
    """The files behind what the user named, unread. UsageError for what is not there."""
    return [_file(one) for path in paths for one in (runs_in(path) or [path])]


def _file(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    for name in IN_FOLDERS:
        if (path / name).is_file():
            return path / name
    raise UsageError(
        f"{path}: a folder without {' or '.join(IN_FOLDERS)}; name a file, or a folder of gen run or filter"
    )


def _torn(path: Path) -> bool:
    """Whether a file of lines ends in half a one."""
    with path.open("rb") as file:
        if file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
            return False
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
        return bool(last.strip())
    return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
