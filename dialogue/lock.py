"""One process to a run folder, or to a file that is written in the course of time."""

import os
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from dialogue.disk import is_full, stopped
from dialogue.errors import UsageError


def take_folder(folder: Path, option: str = "--out") -> FileLock:
    """The lock on the folder, which is created where it is missing.

    The system drops the lock with the process, however that ends. UsageError where another process has it, or where
    the folder cannot be written to; RunStopped where its disk is full. `option` is what named the folder.
    """
    # thread_local: the lock is let go by whoever closes the folder, in whichever thread.
    lock = FileLock(folder / ".lock", timeout=0, thread_local=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise UsageError(
            f"{folder}: another command ({_holder(folder)}) is at work in it; wait for it or end it"
        ) from None
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"{option} {folder}: is a file, or lies in one; name a folder") from None
    except OSError as error:
        if is_full(error):
            raise stopped(error, folder) from None
        raise UsageError(f"{option} {folder}: cannot be written to ({error.strerror}); name another folder") from None
    with suppress(OSError):  # Windows keeps the file of a lock to itself, and a full disk has no room for a number
        (folder / ".lock").write_text(str(os.getpid()))
    return lock


def take_file(path: Path, option: str = "--out") -> FileLock:
    """The lock on a file that is appended to, held by a file beside it; its folder is made where it is missing.

    UsageError where another process has it, or where there can be no such file.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=0, thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise UsageError(f"{option} {path}: another command is at work on it; wait for it or end it") from None
    except OSError as error:
        if is_full(error):
            raise stopped(error, path) from None
        raise UsageError(f"{option} {path}: {error.strerror}; name another file") from None
    return lock


def _holder(folder: Path) -> str:
    try:
        return f"pid {int((folder / '.lock').read_text())}"
    except (OSError, ValueError):
        return "pid unknown"
