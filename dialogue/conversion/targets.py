"""Where dialogues are written: JSON Lines, a JSON array, Parquet; each file as a whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from dialogue.disk import beside
from dialogue.errors import UsageError
from dialogue.formats.reading import named

SUFFIXES = (".jsonl", ".json", ".parquet")


class Sink(Protocol):
    """What takes lines."""

    def write(self, lines: bytes) -> object: ...

    def close(self) -> None: ...


class _Array:
    """Lines as the elements of one JSON array."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self._before = b"["

    def write(self, lines: bytes) -> None:
        for line in lines.split(b"\n"):
            if line:
                self._file.write(self._before + b"\n" + line)
                self._before = b","

    def close(self) -> None:
        self._file.write(b"[\n]\n" if self._before == b"[" else b"\n]\n")
        self._file.close()


class Target:
    """One file under way, beside the place where it will stand."""

    def __init__(self, path: Path, format: str) -> None:
        self.path = path
        self.written = 0
        self._beside = beside(path)
        self._sink = self._opened(format)

    def _opened(self, format: str) -> Sink:
        if self.path.suffix == ".parquet":
            from dialogue.conversion.parquet import ParquetFile

            return ParquetFile(self._beside, format)
        return _Array(self._beside) if self.path.suffix == ".json" else self._beside.open("wb", buffering=1 << 20)

    def write(self, lines: bytes) -> None:
        """What a format made of a dialogue."""
        self._sink.write(lines)
        self.written += 1

    def finish(self) -> None:
        """Put the file in its place."""
        self._sink.close()
        with self._beside.open("rb+") as file:  # Windows syncs none that is only read
            os.fsync(file.fileno())
        self._beside.replace(self.path)

    def drop(self) -> None:
        """Forget what was written."""
        with suppress(OSError, ValueError):  # a full disk; one that is closed already
            self._sink.close()
        self._beside.unlink(missing_ok=True)


def format_of(path: Path, to: str | None) -> str:
    """The layout that a path is written in: the named one, else our own. UsageError where it cannot be."""
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path}: expected a name that ends with {', '.join(SUFFIXES)}, or --to hub and a folder")
    format = to or "messages"
    named(format)
    return format
