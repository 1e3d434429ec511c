import asyncio
from collections.abc import Mapping

import pytest

from generator.client.transport import Reply
from generator.gate import Gate


class Slow:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.answer = asyncio.Event()
        self.most = 0
        self._now = 0

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Reply:
        self._now += 1
        self.most = max(self.most, self._now)
        await self.answer.wait()
        self._now -= 1
        return Reply(200, {}, b"{}")

    async def close(self) -> None:
        self.answer.set()


async def test_what_is_on_the_wire_comes_home_and_what_waits_is_cancelled() -> None:
    gate, slow = Gate(8), Slow()
    way = gate.guard(slow)
    put_away: list[int] = []

    async def ask() -> None:
        put_away.append((await way.post("", {}, b"", 1)).status)

    workers = [asyncio.create_task(ask()), asyncio.create_task(asyncio.sleep(9))]
    nobodys = asyncio.create_task(ask())  # as a list of openers is: no worker's
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gate.shut(workers)  # type: ignore[arg-type]
    assert gate.in_flight == 2
    asyncio.get_running_loop().call_soon(slow.answer.set)
    await gate.home()
    assert put_away == [200, 200]
    assert nobodys.done()
    assert workers[1].cancelled()
    with pytest.raises(asyncio.CancelledError):
        await way.post("", {}, b"", 1)


async def test_no_more_requests_than_slots_are_on_the_wire() -> None:
    gate, slow = Gate(3), Slow()
    way = gate.guard(slow)
    tasks = [asyncio.create_task(way.post("", {}, b"", 1)) for _ in range(10)]
    for _ in range(20):
        await asyncio.sleep(0)
    slow.answer.set()
    await asyncio.gather(*tasks)
    assert slow.most == 3


async def test_what_is_on_the_wire_can_be_abandoned() -> None:
    gate, slow = Gate(3), Slow()
    way = gate.guard(slow)
    task = asyncio.create_task(way.post("", {}, b"", 1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gate.abandon()
    await gate.home()
    assert task.cancelled()
    await gate.close()
