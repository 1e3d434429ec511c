"""A chat-completions server on 127.0.0.1 that misbehaves as told.

    async with FaultyServer(lambda number, body: reply("hello") if number else status(500)) as server:
        ... server.base_url, server.bodies

A behaviour is a function of (request number from 0, parsed body) that returns an `Answer`; `reply`, `status`, `HANG`
and `cut` make the usual ones. The server can be stopped and started again on its port.
"""

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

USAGE = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}


@dataclass(frozen=True)
class Answer:
    """What goes back: bytes of a status, or nothing at all, or only the beginning of them."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False
    """Say nothing, keep the connection open."""
    sent_bytes: int | None = None
    """Send so much of the body, then reset the connection."""
    delay_s: float = 0.0


HANG = Answer(hang=True)


def completion(
    content: Any = "ok", *, finish_reason: str | None = "stop", usage: Any = USAGE, **message: Any
) -> dict[str, Any]:
    """The object of a well-formed chat completion; keywords go into its message."""
    said = {"role": "assistant", "content": content, **message}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "faulty-1",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "message": said, "finish_reason": finish_reason}],
        "usage": usage,
    }


def reply(content: Any = "ok", **fields: Any) -> Answer:
    """A well-formed completion; lone surrogates go out as escapes, as a careless server sends them."""
    return Answer(json.dumps(completion(content, **fields)).encode())


def status(
    number: int,
    message: str = "went wrong",
    *,
    headers: Mapping[str, str] | None = None,
    raw: bytes | None = None,
    **error: Any,
) -> Answer:
    """An error in OpenAI's shape, or any other body by `raw`."""
    body = json.dumps({"error": {"message": message, "type": None, "param": None, "code": None, **error}}).encode()
    return Answer(body if raw is None else raw, number, headers or {})


def cut(answer: Answer, sent_bytes: int) -> Answer:
    """The answer, its connection reset in the middle of the body."""
    return replace(answer, sent_bytes=sent_bytes)


Behaviour = Callable[[int, dict[str, Any]], Answer]


class FaultyServer:
    """Counts and keeps what it is asked, and answers as its behaviour says."""

    def __init__(
        self, behaviour: Behaviour = lambda number, body: reply(), *, tls: ssl.SSLContext | None = None
    ) -> None:
        self.behaviour = behaviour
        self._tls = tls
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def base_url(self) -> str:
        """What a client is given."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/v1"

    @property
    def requests(self) -> int:
        """Requests so far."""
        return len(self.bodies)

    async def __aenter__(self) -> "FaultyServer":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; on the same port as before, if there was a before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the door and every connection."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines[1:] if line)}
        body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))))
        self.headers.append(headers)
        self.bodies.append(body)
        answer = self.behaviour(len(self.bodies) - 1, body)
        await asyncio.sleep(answer.delay_s)
        if answer.hang:
            await reader.read()  # until the client gives up
            return False
        fields = {"Content-Type": "application/json", "Content-Length": str(len(answer.body)), **answer.headers}
        head = "".join(f"{name}: {text}\r\n" for name, text in fields.items())
        writer.write(f"HTTP/1.1 {answer.status} Said\r\n{head}\r\n".encode("latin-1"))
        writer.write(answer.body if answer.sent_bytes is None else answer.body[: answer.sent_bytes])
        await writer.drain()
        if answer.sent_bytes is not None:
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        return True
