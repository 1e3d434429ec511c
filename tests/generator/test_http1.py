import gzip
import zlib
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.errors import UsageError
from generator.client import http1
from generator.client.http1 import ReplyReader, request_head
from generator.client.reply import Broken, Reply

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
TYPE = {"content-type": "application/json"}


def read(data: bytes, cuts: list[int] | None = None) -> tuple[Reply | None, ReplyReader]:
    """The reply in the bytes, fed in the pieces between the cuts."""
    reader, reply = ReplyReader(), None
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts or []}), len(data)]
    for start, end in pairwise(places):
        assert reply is None
        reply = reader.feed(data[start:end])
    return reply, reader


def chunked(*parts: bytes, trailers: bytes = b"") -> bytes:
    framed = b"".join(b"%X;note=1\r\n%b\r\n" % (len(part), part) for part in parts if part)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n" + trailers + b"\r\n"


@given(st.binary(), st.lists(st.integers(0, 10_000), max_size=6))
def test_a_body_of_known_length_is_read_in_whatever_pieces_it_comes(body: bytes, cuts: list[int]) -> None:
    data = HEAD + b"CONTENT-LENGTH: %d\r\n\r\n%b" % (len(body), body)
    reply, reader = read(data, [cut for cut in cuts if cut % (len(data) + 1) < len(data)])
    assert reply == Reply(200, {**TYPE, "content-length": str(len(body))}, body)
    assert reader.keep_alive


@given(st.lists(st.binary(), max_size=5), st.lists(st.integers(0, 10_000), max_size=6), st.booleans())
def test_a_body_in_chunks_is_read_in_whatever_pieces_it_comes(
    parts: list[bytes], cuts: list[int], trailers: bool
) -> None:
    data = chunked(*parts, trailers=b"X-Sum: 7\r\nX-End: y\r\n" if trailers else b"")
    reply, reader = read(data, [cut for cut in cuts if cut % (len(data) + 1) < len(data)])
    assert reply is not None
    assert reply.body == b"".join(parts)
    assert reader.keep_alive


def test_a_hundred_thousand_small_chunks_are_read_in_one_go() -> None:
    reply, _ = read(chunked(*[b"ab"] * 100_000))
    assert reply is not None
    assert reply.body == b"ab" * 100_000


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    reply, reader = read(HEAD + b"\r\nall of it")
    assert reply is None
    assert reader.end() == Reply(200, TYPE, b"all of it")
    assert not reader.keep_alive


@pytest.mark.parametrize("data", [b"", HEAD, HEAD + b"Content-Length: 9\r\n\r\nhalf", chunked(b"abc")[:-3]])
def test_a_connection_that_ends_too_soon_is_broken(data: bytes) -> None:
    reply, reader = read(data)
    assert reply is None
    with pytest.raises(Broken, match="before the reply was whole"):
        reader.end()


def test_announcements_before_the_reply_are_passed_over() -> None:
    reply, _ = read(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + HEAD + b"Content-Length: 1\r\n\r\na"
    )
    assert reply is not None
    assert (reply.status, reply.body) == (200, b"a")


@pytest.mark.parametrize(
    ("head", "lasts"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore than was promised", False),
    ],
)
def test_a_connection_lasts_as_long_as_the_server_says(head: bytes, lasts: bool) -> None:
    reply, reader = read(head)
    assert reply is not None
    assert reply.body == b""
    assert reader.keep_alive is lasts


@pytest.mark.parametrize(("name", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)])
def test_a_compressed_body_is_unpacked(name: str, pack: object) -> None:
    assert callable(pack)
    body = pack(b"long " * 100)
    reply, _ = read(HEAD + b"Content-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b" % (name.encode(), len(body), body))
    assert reply is not None
    assert reply.body == b"long " * 100


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length: 99999999999\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 70_000,
        HEAD + b"Content-Encoding: br\r\nContent-Length: 1\r\n\r\na",
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\na",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
    ],
    ids=range(9),
)
def test_what_is_no_reply_is_broken(data: bytes) -> None:
    with pytest.raises(Broken):
        read(data)


def test_a_bomb_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1, "MAX_REPLY_BYTES", 10_000)
    body = zlib.compress(b"0" * 1_000_000)
    with pytest.raises(Broken, match="does not end within"):
        read(HEAD + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


@given(st.binary(), st.sampled_from([b"", HEAD, HEAD + b"\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"]))
def test_any_bytes_are_a_reply_or_broken_or_not_enough(data: bytes, before: bytes) -> None:
    try:
        reply, _ = read(before + data)
    except Broken:
        return
    assert reply is None or 100 <= reply.status <= 999


def test_a_request_names_path_host_and_headers() -> None:
    head = request_head(urlsplit("https://h.example:8443/v1/a b?x=1"), {"X-A": "b"})
    assert head == b"POST /v1/a%20b?x=1 HTTP/1.1\r\nHost: h.example:8443\r\nX-A: b\r\nContent-Length: "


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X\n": "a"}, {"X": "a\u2028"}])
def test_a_header_cannot_smuggle_in_another(headers: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="only printable characters"):
        request_head(urlsplit("http://h/v1"), headers)
