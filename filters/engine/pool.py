"""Tasks over worker processes: results in the order of the tasks, a bounded number under way.

A worker ends when the first process ends, however that was, and when the work is given up: it holds one end of a pipe
whose other end is then closed. Without it, it would wait for ever for its next task.
"""

import gc
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
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
        self._executor = None
        if workers > 1:
            # spawn: a forked child of a process with threads may hang, and a notebook has threads
            context = get_context("spawn")
            self._theirs, self._ours = context.Pipe(duplex=False)
            self._executor = ProcessPoolExecutor(workers, context, _settle_in, (self._theirs,))

    def map(self, work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """The results in order. Raises what the work raises; RunStopped where a worker was killed."""
        work = partial(_uncollected, work)
        if self._executor is None:
            yield from map(work, tasks)
            return
        under_way: deque[Future[Result]] = deque()
        try:
            for task in tasks:
                with _without_interrupt():  # submitting starts a worker, and what is held off here is so there too
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

    def close(self, at_once: bool = False) -> None:
        """End the processes: at once, or after the tasks under way; what has not begun is given up."""
        if self._executor is None:
            return
        if at_once:
            self._ours.close()
        self._executor.shutdown(cancel_futures=True)
        self._ours.close()
        self._theirs.close()


@contextmanager
def pool(workers: int) -> Iterator[Pool]:
    """A pool that is closed at the end."""
    made = Pool(workers)
    try:
        yield made
    except BaseException:  # what workers write they write whole or not at all
        made.close(at_once=True)
        raise
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


@contextmanager
def _without_interrupt() -> Iterator[None]:
    """Ctrl-C reaches all processes of a terminal; only the first is to act on it, and that a moment later.

    What starts within has the interrupt blocked. Here that is not enough: a thread of numpy's may take the signal, and
    Python then raises it in the first thread, between a worker's start and what the worker is to be told.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # which the first worker would start, and which lets the interrupt in again
    with _noted():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _noted() -> Iterator[None]:
    """An interrupt is noted, and handled at the end."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)


def _settle_in(line: Connection) -> None:
    """What a worker does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(line,), name="leave with the first process", daemon=True).start()


def _leave_with(line: Connection) -> None:
    with suppress(EOFError, OSError):
        line.recv_bytes()
    os._exit(1)
