"""An append-only file of JSON lines: the one way in which a run writes what it has paid for."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from dialogue.disk import stopped, sync_folder
from dialogue.errors import UsageError
from dialogue.jsonl import write_atomically
from generator.folder.disk import Disk

_BLOCK = 1 << 20
# macOS and Windows have no fdatasync.
_sync = getattr(os, "fdatasync", os.fsync)


class AppendLog:
    """A file that only grows, by whole lines.

    When `append` returns, the line has been handed to the operating system: it survives the death of this process.
    `sync` puts on disk what was appended before it: that survives the loss of power.
    """

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self._disk = disk
        self._unsynced = True
        self._open()

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(self.path, flags, 0o666)
        self._reader = self.path.open("rb")
        self.end = os.fstat(self._descriptor).st_size

    def close(self) -> None:
        self._reader.close()
        os.close(self._descriptor)

    def append(self, line: bytes) -> int:
        """The offset at which the line now stands; whole, or not at all.

        Raises RunStopped where the disk takes no more, the reserve included.
        """
        self._disk.check()
        start = self.end
        try:
            self._write(line)
            self.end = start + len(line)
        except BaseException:  # an interrupt between the write and the new end would shift every later offset
            self._back_to(start)
            raise
        self._unsynced = True
        return start

    def _write(self, line: bytes) -> None:
        left = memoryview(line)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except OSError as error:
                if not self._disk.relieve(error, self.path):
                    raise stopped(error, self.path) from None

    def _back_to(self, start: int) -> None:
        self.end = start
        try:
            os.ftruncate(self._descriptor, start)
        except OSError as error:  # the next line would be glued to the torn one
            self._disk.broken(str(stopped(error, self.path)))

    def sync(self) -> None:
        """Put on disk what was appended since the last time; may run beside `append` in another thread.

        An error here means that the system may have dropped what it had taken, so nothing is written after it.
        """
        if not self._unsynced:
            return
        self._unsynced = False  # before the call: a line that arrives meanwhile belongs to the next one
        try:
            _sync(self._descriptor)
        except OSError as error:
            self._disk.broken(str(stopped(error, self.path)))

    def line(self, offset: int) -> bytes:
        """The line that starts at the offset."""
        self._reader.seek(offset)
        return self._reader.readline()

    def object(self, offset: int) -> dict[str, Any]:
        """The JSON object whose line starts at the offset."""
        return parse(self.path, offset, self.line(offset))

    def objects(self, start: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
        """Offset and object of each line from `start` on; UsageError with `path:line` for any that is not an object."""
        for offset, line in lines(self.path, start):
            if line != b"\n":
                yield offset, parse(self.path, offset, line)

    def mend_tail(self, say: Callable[[str], None]) -> None:
        """End the file with a whole line: a torn one is cut and said, a whole one that lacks its newline gets it."""
        start = _last_line(self.path, self.end)
        tail = self.line(start) if start < self.end else b""
        if not tail:
            return
        try:
            parse(self.path, start, tail)
        except UsageError:
            os.ftruncate(self._descriptor, start)
            self._open_again()
            say(f"{self.path}: cut a torn last line ({len(tail)} bytes)")
        else:
            self.append(b"\n")

    def without(self, offsets: set[int]) -> None:
        """Write the file anew without the lines at these offsets."""
        write_atomically(self.path, (line for offset, line in lines(self.path) if offset not in offsets))
        sync_folder(self.path.parent)
        self._open_again()

    def _open_again(self) -> None:
        self.close()
        self._open()


def lines(path: Path, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes of each line from byte `start` on, newlines included."""
    with path.open("rb", buffering=_BLOCK) as file:
        file.seek(start)
        for line in file:
            yield start, line
            start += len(line)


def parse(path: Path, offset: int, line: bytes) -> dict[str, Any]:
    """The JSON object of the line; UsageError with `path:line` where it is none."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise unreadable(path, offset, f"not JSON ({error})") from None
    if not isinstance(value, dict):
        raise unreadable(path, offset, f"a {type(value).__name__}, expected a JSON object")
    return value


def unreadable(path: Path, offset: int, trouble: str) -> UsageError:
    """The complaint about the line at the offset, with its number."""
    number = 1 + sum(1 for start, _ in lines(path) if start < offset)
    return UsageError(f"{path}:{number}: {trouble}")


def line_starts(path: Path) -> Iterator[int]:
    """The offset of each line, found by its newline alone."""
    base = start = 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            found = block.find(b"\n")
            while found >= 0:
                yield start
                start = base + found + 1
                found = block.find(b"\n", found + 1)
            base += len(block)


def _last_line(path: Path, end: int) -> int:
    """Where the bytes after the last newline start; `end` where there are none."""
    with path.open("rb", buffering=0) as file:
        while end > 0:
            begin = max(0, end - _BLOCK)
            file.seek(begin)
            found = file.read(end - begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            end = begin
    return 0
