"""Trouble of a disk as the end of a run, names put on disk, files under way beside the place where they will stand."""

import errno
import os
import platform
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dialogue.chance import hex64
from dialogue.errors import RunStopped, UsageError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Error numbers of a disk without room."""
SAVED = "what was finished is saved"


def stopped(error: OSError, path: Path) -> RunStopped:
    """The refused write as the end of the run, with what the user can do."""
    trouble = error.strerror or str(error)
    if is_full(error):
        mend = f"{SAVED}; free space and run the same command again"
        return RunStopped(f"disk full: {path}: {trouble}; {mend}")
    return RunStopped(f"{path}: {trouble}; {SAVED}; mend the disk, then run it again")


@contextmanager
def saved_is(told: Callable[[], str | None]) -> Iterator[None]:
    """Within the block RunStopped by a disk says of what is saved what `told` gives, where that is not None."""
    try:
        yield
    except RunStopped as error:
        instead = told() if SAVED in str(error) else None
        if instead is None:
            raise
        raise RunStopped(str(error).replace(SAVED, instead)) from None


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


@contextmanager
def placing(path: Path) -> Iterator[None]:
    """A place within that takes no file is a UsageError that names the path; a full disk is left to others."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise
        raise UsageError(f"{path}: cannot be written there ({error.strerror or error}); name another place") from None


@contextmanager
def temporary() -> Iterator[None]:
    """Any trouble within of the disk that holds temporary files is RunStopped, which says how to move them."""
    try:
        yield
    except OSError as error:
        place = tempfile.tempdir or "no folder for temporary files"
        full = "disk full: " if is_full(error) else ""
        mend = "temporary files lie there; free space, or name another folder in TMPDIR, and run it again"
        raise RunStopped(f"{full}{place}: {error.strerror or error}; {mend}") from None


def beside(path: Path) -> Path:
    """A name for this process alone, beside the path, under which a file is written before it is put there.

    What processes left under such names that were killed is removed; of other machines, whose processes nobody knows
    here, it is left.
    """
    remove_left(path.parent, re.escape(path.name))
    return path.with_name(f".{path.name}.{_machine()}-{os.getpid()}.new")


def remove_left(folder: Path, names: str) -> None:
    """Remove the files that killed processes of this machine left in a folder beside files of such names, a pattern."""
    left = re.compile(rf"\.(?:{names})\.{_machine()}-([0-9]+)\.new")
    for path in folder.iterdir():
        if (found := left.fullmatch(path.name)) and not _lives(int(found[1])):
            with suppress(OSError):  # Windows deletes no file that is open, and so none of a living process
                path.unlink()


def _machine() -> str:
    return hex64(platform.node())[:8]


def _lives(process: int) -> bool:
    """Whether there is such a process; on Windows, where asking would end it, False."""
    if os.name == "nt":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # somebody else's; a number that no process has
        return True
    return True


def sync_folder(folder: Path) -> None:
    """Put the folder's list of names on disk; Windows does so by itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
