"""Tasks over worker processes: results in the order of the tasks, a bounded number under way."""

import gc
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from typing import TypeVar

from dialogue.errors import RunStopped

Task = TypeVar("Task")
Result = TypeVar("Result")
AHEAD = 2
"""Tasks under way or finished and not yet fetched, for each worker."""


class Pool:
    """`workers` processes, or none where one is enough: then the work is done here."""

    def __init__(self, workers: int) -> None:
        self._ahead = workers * AHEAD
        # spawn: a forked child of a process with threads may hang, and a notebook has threads
        self._executor = (
            ProcessPoolExecutor(workers, get_context("spawn"), initializer=_ignore_interrupt) if workers > 1 else None
        )

    def map(self, work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """The results in order. Raises what the work raises; RunStopped where a worker was killed."""
        work = partial(_uncollected, work)
        if self._executor is None:
            yield from map(work, tasks)
            return
        under_way: deque[Future[Result]] = deque()
        try:
            for task in tasks:
                under_way.append(self._executor.submit(work, task))
                if len(under_way) >= self._ahead:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        except BrokenProcessPool:
            raise RunStopped(
                "a worker process was killed, perhaps for want of memory; what was finished is saved: "
                "run the same command again, with fewer --workers"
            ) from None
        finally:
            for future in under_way:
                future.cancel()

    def close(self) -> None:
        """End the processes; tasks that have not begun are given up."""
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)


@contextmanager
def pool(workers: int) -> Iterator[Pool]:
    """A pool that is closed at the end."""
    made = Pool(workers)
    try:
        yield made
    finally:
        made.close()


def _uncollected(work: Callable[[Task], Result], task: Task) -> Result:
    """What the work gives, done without Python's collector of cycles.

    The records of a block hold none, and to look through all of them each time that they have grown by a quarter took
    a third of a walk's time.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return work(task)
    finally:
        if collects:
            gc.enable()


def _ignore_interrupt() -> None:
    """Ctrl-C reaches all processes of a terminal; only the first one is to act on it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
