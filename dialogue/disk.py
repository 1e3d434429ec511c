"""Trouble of a disk as the end of a run, and names put on disk."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dialogue.errors import RunStopped

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Error numbers of a disk without room."""


def stopped(error: OSError, path: Path) -> RunStopped:
    """The refused write as the end of the run, with what the user can do."""
    trouble = error.strerror or str(error)
    if is_full(error):
        mend = "what was finished is saved; free space and run the same command again"
        return RunStopped(f"disk full: {path}: {trouble}; {mend}")
    return RunStopped(f"{path}: {trouble}; what was finished before is saved; mend the disk, then run it again")


def is_full(error: OSError) -> bool:
    """Whether a disk without room is the trouble; numpy says so without a number, as "4096 requested and 0 written"."""
    return error.errno in FULL or (error.errno is None and "requested and" in str(error))


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Any trouble of a disk within is RunStopped, which names the file where the system does, else this path."""
    try:
        yield
    except OSError as error:
        raise stopped(error, Path(str(error.filename or path))) from None


def sync_folder(folder: Path) -> None:
    """Put the folder's list of names on disk; Windows does so by itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
