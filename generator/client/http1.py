"""HTTP/1.1 replies from bytes, no sockets involved: just what a chat endpoint, and a proxy in front of it, may send.

A body ends by Content-Length, by its last chunk, or with the connection. gzip and deflate are undone although nobody
asked for them. What is not HTTP, torn, or larger than any answer can be is Broken.
"""

import re
import zlib
from collections.abc import Mapping
from urllib.parse import SplitResult, quote

from dialogue.errors import UsageError
from generator.client.reply import Broken, Reply

MAX_REPLY_BYTES = 64 * 1024 * 1024
MAX_HEAD_BYTES = 64 * 1024
_HEX = re.compile(rb"[0-9A-Fa-f]{1,8}")
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class ReplyReader:
    """One reply, fed as it arrives."""

    def __init__(self) -> None:
        self.keep_alive = False
        """Whether the connection can carry another request; true only once the reply is whole."""
        self._buffer = b""
        self._status = 0
        self._lasting = False
        self._headers: dict[str, str] = {}
        self._length: int | None = None
        self._chunks: Chunks | None = None
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Reply | None:
        """The reply once it is whole; raises Broken where it cannot become one."""
        if not self._status:
            self._buffer += data
            if not self._head():
                return None
            data, self._buffer = self._buffer, b""
        return self._body(data)

    def end(self) -> Reply:
        """The reply where the connection ends: whole only if nothing else says how long it is."""
        if self._status and self._length is None and self._chunks is None:
            return self._whole()
        raise Broken("the server closed the connection before the reply was whole")

    def _head(self) -> bool:
        """Whether the status line and headers are read, and the buffer holds what follows them."""
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            lines = self._buffer[:end].decode("latin-1").split("\r\n")
            self._buffer = self._buffer[end + 4 :]
            version, _, rest = lines[0].partition(" ")
            if not version.startswith("HTTP/1.") or not (rest[:3].isascii() and rest[:3].isdigit()):
                raise Broken(f"not HTTP: {lines[0][:60]!r}")
            status = int(rest[:3])
            if status >= 200:  # 100 Continue and its like are announcements
                self._status = status
                self._measure(version, _fields(lines[1:]))
                return True
        if len(self._buffer) > MAX_HEAD_BYTES:
            raise Broken("headers without end")
        return False

    def _measure(self, version: str, headers: dict[str, str]) -> None:
        self._headers = headers
        connection = headers.get("connection", "").lower()
        self._lasting = "keep-alive" in connection if version == "HTTP/1.0" else "close" not in connection
        if self._status in (204, 304):
            self._length = 0
        elif "chunked" in headers.get("transfer-encoding", "").lower():
            self._chunks = Chunks()
        elif "content-length" in headers:
            length = headers["content-length"]
            if not (length.isascii() and length.isdigit()):
                raise Broken(f"content-length: {length[:40]!r}")
            self._length = int(length)

    def _body(self, data: bytes) -> Reply | None:
        length, chunks = self._length, self._chunks
        if chunks is not None:
            data = chunks.feed(data)
        self._parts.append(data)
        self._size += len(data)
        if max(self._size, length or 0) > MAX_REPLY_BYTES:
            raise Broken(f"a reply of more than {MAX_REPLY_BYTES // 1024 // 1024} MB")
        if not (chunks.done if chunks is not None else length is not None and self._size >= length):
            return None
        extra = chunks.rest if chunks is not None else self._size > (length or 0)
        self.keep_alive = self._lasting and not extra
        return self._whole()

    def _whole(self) -> Reply:
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        if self._length is not None and len(body) > self._length:
            body = body[: self._length]
        encoding = self._headers.get("content-encoding", "identity").lower()
        return Reply(self._status, self._headers, body if encoding == "identity" else unpacked(body, encoding))


class Chunks:
    """The chunked coding: a size in hex, so many bytes, again until a size of 0; then trailers, which are dropped."""

    def __init__(self) -> None:
        self.done = False
        self.rest = b""
        """Bytes not used yet; what follows the end of the body, once it is done."""
        self._left = 0
        """Bytes of the present chunk still to come, its line end included."""
        self._ending = False

    def feed(self, data: bytes) -> bytes:
        """The content in the bytes, without sizes and line ends."""
        buffer, at, found = self.rest + data, 0, []
        while not self.done:
            if self._left:
                part = buffer[at : at + self._left]
                found.append(part[: max(0, self._left - 2)])
                at += len(part)
                self._left -= len(part)
                if self._left:
                    break
                continue
            end = buffer.find(b"\r\n", at)
            if end < 0:
                if len(buffer) - at > MAX_HEAD_BYTES:
                    raise Broken("a chunk without a size")
                break
            self._line(buffer[at:end])
            at = end + 2
        self.rest = buffer[at:]
        return b"".join(found)

    def _line(self, line: bytes) -> None:
        if self._ending:
            self.done = not line
            return
        size = line.partition(b";")[0].strip()
        if not _HEX.fullmatch(size):
            raise Broken(f"a chunk of size {line[:20]!r}")
        self._ending = int(size, 16) == 0
        self._left = 0 if self._ending else int(size, 16) + 2


def _fields(lines: list[str]) -> dict[str, str]:
    """Headers by lower-case name; of one that is there twice, the last."""
    return {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its compression, as far as it is one we know and not a bomb."""
    if encoding not in _WINDOWS:
        raise Broken(f"content-encoding {encoding[:40]!r}")
    unpacker = zlib.decompressobj(_WINDOWS[encoding])
    try:
        content = unpacker.decompress(body, MAX_REPLY_BYTES)
    except zlib.error as error:
        raise Broken(f"{encoding}: {error}") from None
    if not unpacker.eof:
        raise Broken(f"a {encoding} body that does not end within {MAX_REPLY_BYTES // 1024 // 1024} MB")
    return content


def request_head(address: SplitResult, headers: Mapping[str, str]) -> bytes:
    """A POST up to the number of bytes in its body, which comes next; UsageError for a header with a line end in it."""
    for name, text in headers.items():
        if not (name + text).isprintable():
            raise UsageError(f"header {name!r}: only printable characters can be sent")
    path = quote(address.path or "/", safe="/%:@!$&'()*+,;=~") + (f"?{address.query}" if address.query else "")
    fields = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
    return f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\n{fields}Content-Length: ".encode()
