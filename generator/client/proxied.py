"""Requests through a proxy, which aiohttp knows how to speak to; it is loaded where there is one."""

import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from generator.client.connections import CONNECT_S, IDLE_S
from generator.client.http1 import MAX_REPLY_BYTES
from generator.client.reply import Broken, Reply, Unreachable

if TYPE_CHECKING:
    import aiohttp


class Proxied:
    """Posts over one aiohttp session."""

    def __init__(self) -> None:
        self.opened = 0
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float, proxy: str | None
    ) -> Reply:
        """The reply, of whatever status."""
        import aiohttp

        session = self._session or self._open()
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(CONNECT_S, timeout_s))
        try:
            response = await session.post(
                url, data=body, headers=headers, timeout=timeout, proxy=proxy, allow_redirects=False
            )
            fields = {name.lower(): text for name, text in response.headers.items()}
            return Reply(response.status, fields, await _whole(response))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
            raise Unreachable(_line(error)) from None
        except TimeoutError:
            raise TimeoutError(f"no whole reply in {timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Broken(_line(error)) from None

    async def close(self) -> None:
        """Give back the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> "aiohttp.ClientSession":
        import aiohttp

        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_S, socket_factory=self._socket)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept", "Content-Type"),
        )
        return self._session

    def _socket(self, address: Any) -> socket.socket:
        family, kind, protocol, _, _ = address
        self.opened += 1
        return socket.socket(family, kind, protocol)


async def _whole(response: "aiohttp.ClientResponse") -> bytes:
    """The body; Broken where it is larger than any answer can be."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > MAX_REPLY_BYTES:
            response.close()
            raise Broken(f"a reply of more than {MAX_REPLY_BYTES // 1024 // 1024} MB")
    return b"".join(parts)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
