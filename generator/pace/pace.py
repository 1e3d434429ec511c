"""The clock of one endpoint and key: everyone who asks it waits here, and goes evenly spaced under its limits.

Where no limit is known and nothing was refused, `admit` is a counter and nothing else. Otherwise ONE dispatcher task
lets the waiting requests go, the lowest priority number first, then in order of arrival. A 429 moves this clock for all
of them instead of sending each one into a sleep of its own.
"""

import asyncio
import heapq
import itertools
import math
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from generator.pace.limits import MAX_RETRY_AFTER_S, Limits, retry_after_s
from generator.pace.pause import Pause
from generator.pace.rates import Rates

__all__ = ["Clock", "Pace", "SystemClock", "retry_after_s"]

NAP_S = 0.05
"""The dispatcher's longest sleep, so that it sees within this time a clock that was moved."""


class Clock(Protocol):
    """Time, so that a test can own it."""

    def now(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The time of this process and the sleep of its event loop."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Waiter(NamedTuple):
    """A request that waits for its moment, in the order of the queue."""

    priority: int
    arrival: int
    tokens: int
    go: "asyncio.Future[None]"


class Pace:
    """Lets requests go, evenly, under the limits of one endpoint and key."""

    def __init__(
        self,
        requests_per_minute: float | None,
        tokens_per_minute: float | None,
        say: Callable[[str], None],
        clock: Clock | None = None,
    ) -> None:
        self.rejections = 0
        self._say = say
        self._clock: Clock = clock or SystemClock()
        self._rates = Rates(Limits(requests_per_minute, tokens_per_minute), say)
        self._pause = Pause()
        self._waiting: list[Waiter] = []
        self._arrivals = itertools.count()
        self._work = asyncio.Event()
        self._dispatcher: asyncio.Task[None] | None = None
        self._sent = 0
        self._free = False
        """Nothing limits and nothing waits: 750,000 requests take this short way."""

    async def admit(self, tokens: int, priority: int) -> None:
        """Return when this request may be sent; it is charged at that moment, and not at all if cancelled before."""
        if self._free:
            self._sent += 1
        else:
            await self._admit(tokens, priority)

    def settle(self, estimated: int, actual: int) -> None:
        """Correct the charge of a request by its usage; one that was refused or failed used 0."""
        slots = self._rates.slots.get("tokens")
        if slots is not None and actual != estimated:
            slots.correct(self._clock.now(), actual - estimated)

    def rejected(self, retry_after_s: float | None) -> None:
        """A 429: everyone waits, nobody loses its place or an attempt."""
        now = self._clock.now()
        self.rejections += 1
        new_burst = self._pause.refused(now, retry_after_s)
        if new_burst and retry_after_s is not None and retry_after_s >= MAX_RETRY_AFTER_S:
            self._say(f"429: the endpoint asks for an hour or more; all requests wait {retry_after_s:.0f} s")
        self._free = False
        self._rates.refused(now, self._pause.until, self._sent, self.rejections, new_burst=new_burst)

    def accepted(self, headers: Mapping[str, str]) -> None:
        """A success: its headers may state limits, a pause did its work, and a rate felt out may grow."""
        now = self._clock.now()
        self._pause.accepted(now)
        self._rates.mark(now, self._sent, self.rejections)
        if self._rates.learn(headers):
            self._free = False
        if self._waiting:  # a rate that nobody waits for must not grow beyond all measure
            self._rates.grow(now)

    def pause(self, seconds: float) -> None:
        """Nobody goes for so long; then one goes first."""
        self._pause.begin(self._clock.now(), seconds)
        self._free = False

    def limiting(self) -> str:
        """What the requests wait for at this moment, in one short phrase."""
        now, head = self._clock.now(), self._head()
        if self._pause.probing and now < self._pause.until:
            return f"a first request{self._pause.cause}"
        if not self._pause.over(now):
            return f"paused {max(0, math.ceil(self._pause.until - now))} s{self._pause.cause}"
        return self._rates.phrase(now, head.tokens) if head and self._rates.slots else "concurrency"

    def close(self) -> None:
        """End the dispatcher; whoever still waits is cancelled."""
        if self._dispatcher is not None:
            self._dispatcher.cancel()
        for waiter in self._waiting:
            waiter.go.cancel()
        self._waiting.clear()

    async def _admit(self, tokens: int, priority: int) -> None:
        now = self._clock.now()
        self._rates.mark(now, self._sent, self.rejections)
        if not self._rates.slots and not self._waiting and self._pause.over(now):
            self._free = True
            self._sent += 1
            return
        waiter = Waiter(priority, next(self._arrivals), tokens, asyncio.get_running_loop().create_future())
        heapq.heappush(self._waiting, waiter)
        self._wake()
        try:
            await waiter.go
        except asyncio.CancelledError:
            if not waiter.go.cancelled():  # let go, and cancelled before it could know: it sends nothing
                self._sent -= 1
                self._rates.give_back(self._clock.now(), tokens)
            raise

    def _wake(self) -> None:
        self._work.set()
        if self._dispatcher is None or self._dispatcher.done():
            self._dispatcher = asyncio.get_running_loop().create_task(self._dispatch(), name="pace")

    async def _dispatch(self) -> None:
        while True:
            head = self._head()
            if head is None:
                self._work.clear()
                await self._work.wait()
            elif (wait_s := self._due(head) - self._clock.now()) > 0:
                await self._clock.sleep(min(wait_s, NAP_S))
            else:
                async with self._rates.guard:
                    self._let_go()

    def _let_go(self) -> None:
        """Send the head on its way, if it still may go: the guard may have slept while the clock was moved."""
        head, now = self._head(), self._clock.now()
        if head is None or self._due(head) > now:
            return
        heapq.heappop(self._waiting)
        self._sent += 1
        self._rates.hold(self._pause.until)
        self._rates.take(now, head.tokens)
        self._pause.went(now)
        head.go.set_result(None)

    def _head(self) -> Waiter | None:
        while self._waiting and self._waiting[0].go.done():
            heapq.heappop(self._waiting)
        return self._waiting[0] if self._waiting else None

    def _due(self, head: Waiter) -> float:
        return max(self._pause.until, self._rates.due(self._clock.now(), head.tokens))
