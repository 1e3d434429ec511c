"""An event loop whose time passes only while everybody sleeps, so that an hour of pacing is tested in a blink."""

import asyncio
import selectors
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest.mock import patch

T = TypeVar("T")


class _Leap(selectors.SelectSelector):
    """Jumps over the time that the loop would wait."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += max(0.0, timeout or 0.0)
        return super().select(0)


class VirtualClock:
    """The loop's time, as a `Clock`."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def virtually(main: Coroutine[Any, Any, T]) -> T:
    """What the coroutine returns, in virtual time; asyncio-throttle's clock is taken along."""
    leap = _Leap()
    loop = asyncio.SelectorEventLoop(leap)
    loop.time = lambda: leap.now  # type: ignore[method-assign]
    with (
        patch("asyncio_throttle.throttler.time", SimpleNamespace(monotonic=loop.time)),
        asyncio.Runner(loop_factory=lambda: loop) as runner,
    ):
        return runner.run(main)
