"""What a run knows of its disk: a reserve that lets it end in good order, and the trouble that ends it."""

import errno
import os
from pathlib import Path

from dialogue.disk import FULL, stopped
from dialogue.errors import RunStopped

RESERVE_BYTES = 4 << 20


class Disk:
    """The disk under one run folder.

    `full` says so from the first refused write on: the run then asks for nothing more, while the replies that it
    has paid for already go into the space of the reserve. That holds about a thousand turns of ordinary length; what
    was on the wire beyond it is asked for again by the next call.
    """

    def __init__(self, folder: Path) -> None:
        self.full: str | None = None
        self._ballast = folder / ".ballast"
        self._spent = False
        self._trouble: str | None = None

    def reserve(self) -> None:
        """Lay RESERVE_BYTES aside in `.ballast`; RunStopped where the disk has no room for them."""
        try:
            if not _is_laid_out(self._ballast):
                _lay_out(self._ballast)
        except OSError as error:
            self._ballast.unlink(missing_ok=True)
            raise stopped(error, self._ballast) from None

    def release(self) -> None:
        """Give the reserve back."""
        self._spent = True
        self._ballast.unlink(missing_ok=True)

    def relieve(self, error: OSError, path: Path) -> bool:
        """True where the refused write is worth another try: the disk was full, and the reserve has just been freed."""
        if error.errno not in FULL:
            return False
        self.full = str(stopped(error, path))
        if self._spent:
            return False
        self.release()
        return True

    def note(self, error: OSError, path: Path) -> None:
        """Remember that a file which can be made again was refused: a full disk ends the asking, other trouble all."""
        if error.errno in FULL:
            self.full = str(stopped(error, path))
        else:
            self.broken(str(stopped(error, path)))

    def broken(self, trouble: str) -> None:
        """Refuse every later write: what was handed over may not have reached the disk."""
        self._trouble = self._trouble or trouble

    def check(self) -> None:
        """RunStopped where the disk is known to be broken."""
        if self._trouble is not None:
            raise RunStopped(self._trouble)


def _is_laid_out(path: Path) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    # A file of the right size may still be a hole; st_blocks counts units of 512 bytes whatever the file system.
    blocks = getattr(found, "st_blocks", None)
    return found.st_size == RESERVE_BYTES and (blocks is None or blocks * 512 >= RESERVE_BYTES)


def _lay_out(path: Path) -> None:
    with path.open("wb") as file:
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
                return
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                    raise
        # Random bytes: a file system that compresses would keep nothing in reserve for zeros.
        file.write(os.urandom(RESERVE_BYTES))
