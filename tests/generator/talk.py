"""A chat with a server on this machine, its waits a thousand times shorter than in a run."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from generator.client.chat import Chat, Completion, Paces, Patience, Sampling
from generator.client.endpoint import Endpoint, Price
from generator.client.meter import Meter
from generator.client.transport import HttpTransport
from generator.pace.pace import Pace

RETRY_WAIT_S = 0.001
QUICK = Patience(refused_s=0.05, gone_s=5.0, rejected_s=60.0, passed_over_s=30.0)


class QuickPace(Pace):
    """A clock that only knows pauses, a second of which is a millisecond; it keeps what it is told."""

    def __init__(self, rpm: float | None, tpm: float | None, say: Callable[[str], None]) -> None:
        super().__init__(rpm, tpm, say)
        self.asked_s: list[float | None] = []
        """The wait that each 429 asked for."""
        self.settled: list[tuple[int, int]] = []
        self._until = 0.0

    async def admit(self, tokens: int, priority: int) -> None:
        while (wait_s := self._until - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(wait_s)

    def settle(self, estimated: int, actual: int) -> None:
        self.settled.append((estimated, actual))

    def rejected(self, retry_after_s: float | None) -> None:
        self.rejections += 1
        self.asked_s.append(retry_after_s)
        self.pause(1.0 if retry_after_s is None else retry_after_s)

    def pause(self, seconds: float) -> None:
        self._until = max(self._until, asyncio.get_running_loop().time() + seconds / 1000)


class Talk:
    """One role's chat, and everything around it that a test looks at."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        sampling: Sampling,
        slots: int,
        patience: Patience,
        price: Price | None,
        max_cost_usd: float | None,
        max_requests: int | None,
    ) -> None:
        self.said: list[str] = []
        self.paces_made: list[QuickPace] = []
        self.transport = HttpTransport()
        self.paces = Paces(slots=slots, say=self.said.append, patience=patience, make=self._pace)
        self.meter = Meter({"user": price}, max_cost_usd=max_cost_usd, max_requests=max_requests)
        self.endpoint = endpoint
        self.chat = self.another("user", endpoint, sampling)

    def _pace(self, rpm: float | None, tpm: float | None, say: Callable[[str], None]) -> Pace:
        self.paces_made.append(QuickPace(rpm, tpm, say))
        return self.paces_made[-1]

    def another(self, role: str, endpoint: Endpoint, sampling: Sampling) -> Chat:
        """A chat over the same transport, clocks and meter."""
        return Chat(
            endpoint,
            role=role,
            sampling=sampling,
            paces=self.paces,
            transport=self.transport,
            meter=self.meter,
            say=self.said.append,
            retry_wait_s=RETRY_WAIT_S,
        )

    async def ask(self, content: str = "hello", *, key: str = "d1", **more: Any) -> Completion:
        """The answer to one user message."""
        messages = [{"role": "user", "content": content}]
        return await self.chat.complete(messages, key=key, priority=0, seed=7, **more)

    @property
    def totals(self) -> Any:
        """What the meter has counted for the role."""
        return self.meter.roles["user"]


@asynccontextmanager
async def talk(
    *urls: str,
    sampling: Sampling | None = None,
    slots: int = 8,
    patience: Patience = QUICK,
    price: Price | None = None,
    max_cost_usd: float | None = None,
    max_requests: int | None = None,
    **fields: Any,
) -> AsyncIterator[Talk]:
    """A talk with the servers of one endpoint; `fields` are the endpoint's."""
    endpoint = Endpoint(**{"name": "main", "base_url": urls, "model": "faulty", "timeout_s": 5.0, **fields})
    talking = Talk(
        endpoint,
        sampling=sampling or Sampling(),
        slots=slots,
        patience=patience,
        price=price,
        max_cost_usd=max_cost_usd,
        max_requests=max_requests,
    )
    try:
        yield talking
    finally:
        talking.paces.close()
        await talking.transport.close()
