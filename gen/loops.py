"""Coroutines run to their end from ordinary code, under a running event loop as well, and left in good order."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")
OnStart = Callable[[Callable[[], None]], None]
"""Is given the function that interrupts the work in good order."""


def finish(work: Callable[[OnStart | None], Coroutine[Any, Any, Result]]) -> Result:
    """What the coroutine brings. Under a running loop, as in a notebook, it works in a thread of its own.

    There an interrupt of this thread is handed on to the work, and waited for.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _finish(work(None))
    return _beside(work)


def _loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not to be had on Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _finish(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end on a loop of its own."""
    with asyncio.Runner(loop_factory=_loop) as runner:
        return runner.run(work)


def _beside(work: Callable[[OnStart], Coroutine[Any, Any, Result]]) -> Result:
    """Run a coroutine in a thread, since this one has a loop; an interrupt here is handed on, and waited for."""
    ways_out: list[Callable[[], object]] = []
    found: list[Result] = []
    broken: list[BaseException] = []
    ended = threading.Event()  # a join() that an interrupt leaves takes the thread for dead

    def on_start(interrupt: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        ways_out.append(lambda: loop.call_soon_threadsafe(interrupt))

    def there() -> None:
        try:
            found.append(_finish(work(on_start)))
        except BaseException as error:
            broken.append(error)
        finally:
            ended.set()

    thread = threading.Thread(target=there, name="gen")
    thread.start()
    while not ended.is_set():
        try:
            ended.wait()
        except KeyboardInterrupt:
            for way_out in ways_out:
                way_out()
    if broken:
        raise broken[0]
    return found[0]
