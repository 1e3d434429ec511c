"""Connections to one server, kept open and used again: a request on each at a time.

aiohttp's client takes three times the CPU of all the rest of a request here: it is made for more than posting one
body of bytes and reading one back.
"""

import asyncio
import ssl
import time
from functools import cache
from urllib.parse import SplitResult

from generator.client.http1 import ReplyReader
from generator.client.reply import Broken, Reply, Unreachable

CONNECT_S = 10.0
"""A host that does not answer the first packet in this time counts as unreachable, not as slow."""
IDLE_S = 300.0


class Connection(asyncio.Protocol):
    """One connection: writes a request, gathers the reply."""

    def __init__(self) -> None:
        self.closed = False
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._reader = ReplyReader()
        self._waiter: asyncio.Future[Reply] | None = None

    def over(self, transport: asyncio.Transport) -> "Connection":
        """This connection, once it is made."""
        self._transport = transport
        return self

    async def exchange(self, request: bytes) -> Reply:
        """The reply; a connection whose exchange was cancelled or failed is closed."""
        assert self._transport is not None
        self._reader = ReplyReader()
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._waiter
        finally:
            self._waiter = None
            # A server that answers before it has read the whole request is out of step too.
            if not self._reader.keep_alive or self._transport.get_write_buffer_size():
                self.close()

    def close(self) -> None:
        """Close at once."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done():  # said without being asked: out of step from here on
            self.close()
            return
        try:
            reply = self._reader.feed(data)
        except Broken as error:
            self._waiter.set_exception(error)
        else:
            if reply is not None:
                self._waiter.set_result(reply)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self._waiter is None or self._waiter.done():
            return
        try:
            if error is not None:
                raise Broken(" ".join(str(error).split()) or type(error).__name__)
            self._waiter.set_result(self._reader.end())
        except Broken as broken:
            self._waiter.set_exception(broken)


class Connections:
    """All connections to one server."""

    def __init__(self, address: SplitResult) -> None:
        self.opened = 0
        self._host = address.hostname or ""
        self._tls = address.scheme == "https"
        self._port = address.port or (443 if self._tls else 80)
        self._idle: list[Connection] = []

    async def exchange(self, request: bytes, timeout_s: float) -> Reply:
        """The reply to a request, over a connection that is open or a new one."""
        try:
            async with asyncio.timeout(timeout_s):
                connection = self._open() or await self._connect(min(CONNECT_S, timeout_s))
                reply = await connection.exchange(request)
        except TimeoutError:
            raise TimeoutError(f"no whole reply in {timeout_s:g} s") from None
        if not connection.closed:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        return reply

    def close(self) -> None:
        """Close those that are idle."""
        while self._idle:
            self._idle.pop().close()

    def _open(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and time.monotonic() - connection.idle_since < IDLE_S:
                return connection
            connection.close()
        return None

    async def _connect(self, timeout_s: float) -> Connection:
        self.opened += 1
        where = f"{self._host}:{self._port}"
        try:
            async with asyncio.timeout(timeout_s):
                transport, connection = await asyncio.get_running_loop().create_connection(
                    Connection, self._host, self._port, ssl=tls() if self._tls else None
                )
        except TimeoutError:
            raise Unreachable(f"{where} does not answer") from None
        except OSError as error:
            raise Unreachable(f"{where}: {' '.join(str(error).split()) or type(error).__name__}") from None
        return connection.over(transport)


@cache
def tls() -> ssl.SSLContext:
    """What this machine trusts, loaded once: it takes a tenth of a second."""
    return ssl.create_default_context()
