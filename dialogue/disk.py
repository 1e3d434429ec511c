"""Trouble of a disk as the end of a run, and names put on disk."""

import errno
import os
from pathlib import Path

from dialogue.errors import RunStopped

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Error numbers of a disk without room."""


def stopped(error: OSError, path: Path) -> RunStopped:
    """The refused write as the end of the run, with what the user can do."""
    mend = "what was finished is saved; free space and run the same command again"
    if error.errno in FULL:
        return RunStopped(f"disk full: {path}: {error.strerror}; {mend}")
    return RunStopped(f"{path}: {error.strerror}; what was finished before is saved; mend the disk, then run it again")


def sync_folder(folder: Path) -> None:
    """Put the folder's list of names on disk; Windows does so by itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
