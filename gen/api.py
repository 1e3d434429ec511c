"""The commands as Python functions, for scripts and notebooks.

    from gen.api import run, plan, dialogues
    summary = run(sector="world-questions", n=20, endpoint="builtin", out="runs/first")
    for dialogue in dialogues("runs/first"): ...

Keyword arguments bear the names of the command's long options, dashes as underscores.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

from dialogue.records import Dialogue
from gen.config import run_settings
from generator.estimate import Estimate, estimate
from generator.settings import RunSettings

Result = TypeVar("Result")
OnStart = Callable[[Callable[[], None]], None]


def run(*, retry_failed: bool = False, config: str | Path | None = None, **options: object) -> dict[str, Any]:
    """Make dialogues as `gen run` does; returns the summary, whose `status` is the command's exit status.

    May be called under a running event loop, as in a notebook: it then works in a thread of its own, and an
    interrupt of the cell ends it in good order. Raises UsageError for a bad setting or input.
    """
    return run_settled(_settings(config, options), retry_failed=retry_failed)


def run_settled(settings: RunSettings, *, retry_failed: bool = False) -> dict[str, Any]:
    """`run` for settings that are made already."""
    from generator.run import run as engine

    def work(on_start: OnStart | None) -> Coroutine[Any, Any, dict[str, Any]]:
        return engine(settings, retry_failed=retry_failed, on_start=on_start)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _finish(work(None))
    return _beside(work)


def plan(*, config: str | Path | None = None, **options: object) -> Estimate:
    """What `run` with the same arguments would ask and cost; sends nothing."""
    return estimate(_settings(config, options))


def dialogues(path: str | Path) -> Iterator[Dialogue]:
    """The finished dialogues of a run folder, or of a file in any format that `dialogue/formats` reads."""
    from dialogue.formats.reading import read

    return read(Path(path))


def _settings(config: str | Path | None, options: dict[str, object]) -> RunSettings:
    flags: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    return run_settings(flags, Path(config) if config else None)


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
