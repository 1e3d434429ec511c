"""A transport that answers inside the process, with latency and limits for those who rehearse a run."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping

import orjson

from dialogue.chance import share
from generator.builtin.server import Server
from generator.client.endpoint import Endpoint
from generator.client.transport import Reply

WRONG_SHARE = 0.1
"""Share of sums, and of facts asked for again, that come out wrong: so that checks of answers find something."""

BURST_S = 10.0
"""The limit's bucket holds this many seconds' worth of requests, and at least one."""

JSON = {"content-type": "application/json"}


class BuiltinTransport:
    """The embedded endpoint as a transport. Same seed and same request, same answer.

    `faults` multiplies the rates of planted faults (generator/builtin/faults.py). `latency_ms` and `jitter_ms` (to
    either side) are slept away; above `requests_per_minute` it answers 429 with the headers that providers send.
    """

    def __init__(
        self,
        seed: int,
        *,
        latency_ms: float = 0.0,
        jitter_ms: float = 0.0,
        requests_per_minute: float | None = None,
        wrong_share: float = WRONG_SHARE,
        faults: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seed = seed
        self._server = Server(seed, wrong_share, faults)
        self._latency_s = latency_ms / 1000
        self._jitter_s = jitter_ms / 1000
        self._limit = Limit(requests_per_minute, clock) if requests_per_minute else None
        self._served = 0

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Reply:
        """The reply. Raises TimeoutError where the latency is longer than `timeout_s`."""
        answered = JSON
        if self._limit is not None:
            wait_s = self._limit.wait_s()
            answered = JSON | self._limit.headers()
            if wait_s > 0:
                return Reply(429, answered | _retry_after(wait_s), RATE_LIMITED)
        await self._sleep(timeout_s)
        status, content = self._server.respond(body)
        return Reply(status, answered, content)

    async def close(self) -> None:
        """Nothing is held."""

    async def _sleep(self, timeout_s: float) -> None:
        """The latency; without one, still a turn of the event loop for everybody else."""
        self._served += 1
        delay_s = self._latency_s
        if self._jitter_s:
            delay_s += self._jitter_s * (2 * share(self._seed, "latency", self._served) - 1)
        await asyncio.sleep(max(0.0, min(delay_s, timeout_s)))
        if delay_s > timeout_s:
            raise TimeoutError(f"no whole reply in {timeout_s:g} s")


class Limit:
    """A token bucket of requests."""

    def __init__(self, requests_per_minute: float, clock: Callable[[], float]) -> None:
        self._rpm = requests_per_minute
        self._per_s = requests_per_minute / 60
        self._size = max(1.0, self._per_s * BURST_S)
        self._left = self._size
        self._clock = clock
        self._at = clock()

    def wait_s(self) -> float:
        """0 where this request may pass, and then it is charged; else the seconds until one may."""
        now = self._clock()
        self._left = min(self._size, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / self._per_s
        self._left -= 1
        return 0.0

    def headers(self) -> dict[str, str]:
        """The limit, what is left of it, and when it is whole again."""
        return {
            "x-ratelimit-limit-requests": f"{self._rpm:g}",
            "x-ratelimit-remaining-requests": str(int(self._left)),
            "x-ratelimit-reset-requests": f"{(self._size - self._left) / self._per_s:.3f}s",
        }


def _retry_after(wait_s: float) -> dict[str, str]:
    return {"retry-after": str(math.ceil(wait_s)), "retry-after-ms": str(math.ceil(wait_s * 1000))}


RATE_LIMITED = orjson.dumps(
    {
        "error": {
            "message": "builtin: the rehearsed limit of requests per minute is reached",
            "type": "requests",
            "param": None,
            "code": "rate_limit_exceeded",
        }
    }
)


def embedded(endpoint: Endpoint) -> BuiltinTransport:
    """The transport of an endpoint that is `builtin`, with its own settings."""
    return BuiltinTransport(
        endpoint.seed,
        latency_ms=endpoint.latency_ms,
        jitter_ms=endpoint.jitter_ms,
        requests_per_minute=endpoint.enforced_rpm,
        wrong_share=WRONG_SHARE if endpoint.wrong_share is None else endpoint.wrong_share,
    )
