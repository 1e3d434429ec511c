"""The way out of a run: what is on the wire comes home, nothing new goes out."""

import asyncio
from collections.abc import Mapping

from generator.client.local import LocalTransport
from generator.client.transport import NotSent, Reply, Transport


class Gate:
    """Stands before all transports of a run. Once shut, requests under way finish and later ones are cancelled."""

    def __init__(self, slots: int) -> None:
        """`slots`: how many requests may be on the wire at once, lists of openers included."""
        self.slots = asyncio.Semaphore(slots)
        self._sending: set[asyncio.Task[object]] = set()
        self._inner: list[Transport] = []
        self.closed = False

    def guard(self, inner: Transport) -> Transport:
        """The transport with the gate before it."""
        self._inner.append(inner)
        return _Guarded(self, inner)

    def limiting(self) -> str | None:
        """A model that is being loaded before anything can be sent to it; None where there is none."""
        local = (inner for inner in self._inner if isinstance(inner, LocalTransport))
        return next((inner.loading for inner in local if inner.loading), None)

    @property
    def in_flight(self) -> int:
        """Requests on the wire at this moment."""
        return len(self._sending)

    def enter(self) -> "asyncio.Task[object]":
        """Note that the present task is about to send; NotSent once the gate is shut."""
        if self.closed:
            raise NotSent
        task = asyncio.current_task()
        assert task is not None
        self._sending.add(task)
        return task

    def leave(self, task: "asyncio.Task[object]") -> None:
        """Note that its reply is there, or never will be."""
        self._sending.discard(task)

    def shut(self, tasks: "list[asyncio.Task[None]]") -> None:
        """Let nothing more out, and cancel those of the tasks that wait for anything but a reply."""
        self.closed = True
        for task in tasks:
            if task not in self._sending:
                task.cancel()

    async def home(self) -> None:
        """Wait until what is on the wire has come home and its tasks have put it away."""
        while self._sending:
            await asyncio.wait(set(self._sending))

    def abandon(self) -> None:
        """Cancel what is on the wire."""
        for task in self._sending:
            task.cancel()

    async def close(self) -> None:
        """Give back the connections."""
        for transport in self._inner:
            await transport.close()


class _Guarded:
    def __init__(self, gate: Gate, inner: Transport) -> None:
        self._gate = gate
        self._inner = inner

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Reply:
        """As the transport behind it."""
        async with self._gate.slots:
            task = self._gate.enter()
            try:
                return await self._inner.post(url, headers, body, timeout_s)
            finally:
                self._gate.leave(task)

    async def close(self) -> None:
        """Give back the connections."""
        await self._inner.close()
