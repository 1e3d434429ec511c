"""A folder that is there whole or not at all."""

import glob
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dialogue.disk import FULL, stopped, sync_folder
from dialogue.errors import RunStopped

NEW = ".new"
OLD = ".old"
NO_ROOM = "No space left on device"
"""What writers in other languages say of a full disk, without a number."""
OF_SYSTEM = re.compile(r"\(os error (\d+)\)")
"""The number, as Rust says it."""
HALF_WRITTEN = ("PytorchStreamWriter failed", "unexpected pos")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder beside, to be filled; it takes the name at the end, synced, in place of one that was there.

    Whoever dies inside leaves the one that was there as it was, and a torn one that `sweep` clears away. Between the
    two renamings of a replacement the old one bears another name; `sweep` then gives it back. RunStopped where the
    disk refuses.
    """
    beside = folder.with_name(f".{folder.name}{NEW}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        sweep(folder.parent, glob.escape(folder.name))
        beside.mkdir()
        yield beside
        _sync(beside)
        _take_place(beside, folder)
    except OSError as error:
        raise stopped(error, Path(str(error.filename or folder))) from None
    except Exception as error:  # of foreign writers, which have errors of their own for a full disk
        if (refused := _refused(error, folder)) is None:
            raise
        raise refused from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def sweep(parent: Path, names: str) -> None:
    """Clear away what a process that died left beside its folders of such names (a pattern of glob).

    Of other names nothing is touched: the parent may be the user's own, where `.bashrc.old` is none of ours.
    """
    for torn in parent.glob(f".{names}{NEW}"):
        shutil.rmtree(torn, ignore_errors=True)
    for old in parent.glob(f".{names}{OLD}"):
        folder = parent / old.name.removeprefix(".").removesuffix(OLD)
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(folder)


def _take_place(beside: Path, folder: Path) -> None:
    old = folder.with_name(f".{folder.name}{OLD}")
    if folder.exists():
        folder.rename(old)
    beside.rename(folder)
    sync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _sync(folder: Path) -> None:
    """Put every file of the folder on disk, for those to read who may read the folder: safetensors has its own mind."""
    mode = folder.stat().st_mode & 0o666
    for place, _, names in os.walk(folder):
        for name in names:
            (Path(place) / name).chmod(mode)
            with (Path(place) / name).open("rb+") as file:
                os.fsync(file.fileno())
        sync_folder(Path(place))


def _refused(error: Exception, folder: Path) -> RunStopped | None:
    """A disk that takes no more, as torch and safetensors tell of it: full, over a quota, a file too large."""
    text = str(error)
    if (number := OF_SYSTEM.search(text)) is not None:
        return stopped(OSError(int(number[1]), os.strerror(int(number[1]))), folder)
    if NO_ROOM in text:
        return stopped(OSError(min(FULL), NO_ROOM), folder)
    if any(part in text for part in HALF_WRITTEN):  # of torch, which does not say why
        full = shutil.disk_usage(folder.parent).free < (1 << 20)
        return stopped(OSError(min(FULL), NO_ROOM) if full else OSError("a file was written only in part"), folder)
    return None
