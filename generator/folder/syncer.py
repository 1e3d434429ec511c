"""The threads that put a run's files on disk while the run goes on."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from generator.folder.appendlog import AppendLog
from generator.folder.disk import Disk


class Syncer:
    """Syncs the logs in groups, and does beside that what would hold up the event loop."""

    def __init__(self, logs: list[AppendLog], disk: Disk) -> None:
        self._logs = logs
        self._disk = disk
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._beside: ThreadPoolExecutor | None = None
        self._handed: Future[None] | None = None

    def sync(self) -> None:
        """Put on disk what was appended so far."""
        for log in self._logs:
            log.sync()

    def start(self, interval_s: float) -> None:
        """Sync every `interval_s` seconds, counted from start to start, until `stop`."""
        self._stopping.clear()
        self._beside = ThreadPoolExecutor(1, "checkpoint")
        self._thread = threading.Thread(target=self._run, args=(interval_s,), name="sync", daemon=True)
        self._thread.start()

    def hand(self, work: Callable[[], None]) -> None:
        """Do the work in a thread, in place of any earlier that it has not begun; here, where none was started."""
        if self._beside is None:
            work()
            return
        if self._handed is not None and not self._handed.cancel() and self._handed.done():
            self._handed.result()
        self._handed = self._beside.submit(work)

    def stop(self) -> None:
        """End the threads after what they were handed; raises what that raised."""
        if self._thread is None or self._beside is None:
            return
        self._stopping.set()
        self._thread.join()
        self._beside.shutdown()
        self._thread = self._beside = None
        handed, self._handed = self._handed, None
        if handed is not None:
            handed.result()

    def _run(self, interval_s: float) -> None:
        try:
            while not self._stopping.is_set():
                due = time.monotonic() + interval_s
                self.sync()
                self._stopping.wait(max(0.0, due - time.monotonic()))
        finally:
            if not self._stopping.is_set():
                self._disk.broken("the thread that syncs the files has died; run the same command again")
