"""Bytes to a server and back: the one thing that differs between HTTP and the builtin endpoint."""

import asyncio
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from generator.client.connections import Connections
from generator.client.http1 import request_head
from generator.client.proxied import Proxied
from generator.client.reply import Broken, Reply, Unreachable

__all__ = ["Broken", "HttpTransport", "NotSent", "Reply", "Transport", "Unreachable", "proxy_for"]


class NotSent(asyncio.CancelledError):
    """The run is ending, and this request was never sent."""


class Transport(Protocol):
    """What carries a request to its server."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Reply:
        """The reply, of whatever status; Unreachable, Broken or TimeoutError where there is none."""

    async def close(self) -> None:
        """Give back the connections."""


class HttpTransport:
    """Posts over as many connections as requests are under way, each kept open; through a proxy by aiohttp.

    Redirects are not followed, so that a key never goes to another host.
    """

    def __init__(self) -> None:
        self.requests = 0
        self._servers: dict[tuple[str, str], Connections] = {}
        self._lines: dict[tuple[str, int], tuple[Connections | None, bytes, Mapping[str, str]]] = {}
        self._proxied = Proxied()

    @property
    def connections(self) -> int:
        """Sockets opened so far: far fewer than requests, or something closes them."""
        return self._proxied.opened + sum(server.opened for server in self._servers.values())

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Reply:
        """The reply, of whatever status."""
        self.requests += 1
        server, head, _ = self._lines.get((url, id(headers))) or self._line(url, headers)
        if server is None:
            return await self._proxied.post(url, headers, body, timeout_s, proxy_for(url))
        return await server.exchange(b"%b%d\r\n\r\n%b" % (head, len(body), body), timeout_s)

    def _line(self, url: str, headers: Mapping[str, str]) -> tuple[Connections | None, bytes, Mapping[str, str]]:
        """What a role's requests to one address have in common; holding on to the headers keeps their id their own."""
        address = urlsplit(url)
        address = address._replace(netloc=_ascii(address))
        server = None
        if proxy_for(url) is None:
            place = (address.scheme, address.netloc)
            server = self._servers.setdefault(place, Connections(address))
        line = self._lines[(url, id(headers))] = server, request_head(address, headers), headers
        return line

    async def close(self) -> None:
        """Give back the connections."""
        for server in self._servers.values():
            server.close()
        await self._proxied.close()


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for this address; never one for this machine's own."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host == "localhost" or host.startswith("127.") or host == "::1" or proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _ascii(address: SplitResult) -> str:
    """Host and port as they go over the wire."""
    return address.netloc if address.netloc.isascii() else address.netloc.encode("idna").decode()
