"""The transport: latency, limits and the faults of a provider, inside the process."""

import asyncio

import orjson
import pytest

from generator.builtin.transport import BuiltinTransport
from generator.client.transport import Reply, Transport

BODY = orjson.dumps({"messages": [{"role": "user", "content": "Why do rivers bend?"}]})


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def post(transport: Transport, timeout_s: float = 5.0) -> Reply:
    return await transport.post("builtin://local/chat/completions", {}, BODY, timeout_s)


async def test_it_is_a_transport_that_answers() -> None:
    transport: Transport = BuiltinTransport(1)
    reply = await post(transport)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert orjson.loads(reply.body)["model"] == "builtin"
    await transport.close()


async def test_two_transports_of_one_seed_answer_alike_and_another_seed_otherwise() -> None:
    one, two, three = [await post(BuiltinTransport(seed)) for seed in (1, 1, 2)]
    assert one.body == two.body != three.body


async def test_requests_above_the_limit_get_429_with_the_time_to_wait() -> None:
    clock = Clock()
    transport = BuiltinTransport(1, requests_per_minute=60, clock=clock)
    replies = [await post(transport) for _ in range(11)]
    assert [reply.status for reply in replies] == [200] * 10 + [429]
    assert replies[0].headers["x-ratelimit-limit-requests"] == "60"
    assert replies[0].headers["x-ratelimit-remaining-requests"] == "9"
    assert (replies[-1].headers["retry-after"], replies[-1].headers["retry-after-ms"]) == ("1", "1000")
    assert orjson.loads(replies[-1].body)["error"]["code"] == "rate_limit_exceeded"
    clock.now += 1.0
    assert (await post(transport)).status == 200


async def test_a_slow_limit_still_lets_one_request_pass() -> None:
    clock = Clock()
    transport = BuiltinTransport(1, requests_per_minute=2, clock=clock)
    assert [(await post(transport)).status for _ in range(2)] == [200, 429]
    clock.now += 30
    assert (await post(transport)).status == 200


async def test_a_latency_above_the_timeout_is_a_timeout() -> None:
    transport = BuiltinTransport(1, latency_ms=60_000, jitter_ms=100)
    with pytest.raises(TimeoutError):
        await post(transport, timeout_s=0.001)


async def test_without_latency_others_still_get_their_turn() -> None:
    transport, order = BuiltinTransport(1), []

    async def other() -> None:
        order.append("other")

    task = asyncio.ensure_future(other())
    await post(transport)
    order.append("reply")
    await task
    assert order == ["other", "reply"]
