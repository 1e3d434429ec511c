"""The files that a training reads, and what they are made of."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dialogue.errors import UsageError

IN_FOLDERS = ("kept.jsonl", "dialogues.jsonl")
"""What is read of a folder: of a filter's, what it kept; of a run's, its dialogues."""


class Source(NamedTuple):
    """A file of dialogues."""

    path: Path
    digest: str
    """16 hex digits of its bytes' SHA-256."""


def sources(paths: Sequence[Path]) -> list[Source]:
    """The files behind what the user named. UsageError for what is not there."""
    return [Source(path, _digest(path)) for path in map(_file, paths)]


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


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
