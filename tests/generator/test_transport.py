import asyncio
import gzip
import ssl
import subprocess
from pathlib import Path

import pytest
from faulty import HANG, Answer, FaultyServer, cut

from generator.client import connections, http1, proxied, transport
from generator.client.endpoint import chat_url
from generator.client.transport import Broken, HttpTransport, Unreachable, proxy_for


async def post(server: FaultyServer, timeout_s: float = 5.0) -> transport.Reply:
    carrier = HttpTransport()
    try:
        return await carrier.post(chat_url(server.base_url), {"X-A": "b"}, b"{}", timeout_s)
    finally:
        await carrier.close()


async def test_any_status_comes_back_with_headers_and_body() -> None:
    async with FaultyServer(lambda number, body: Answer(b"tea", 418, {"X-Pot": "short"})) as server:
        reply = await post(server)
    assert (reply.status, reply.headers["x-pot"], reply.body) == (418, "short", b"tea")
    assert server.headers[0].keys() == {"host", "x-a", "content-length"}


async def test_a_compressed_body_is_unpacked() -> None:
    packed = Answer(gzip.compress(b"long " * 100), headers={"Content-Encoding": "gzip"})
    async with FaultyServer(lambda number, body: packed) as server:
        assert (await post(server)).body == b"long " * 100


async def test_a_body_beyond_all_measure_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1, "MAX_REPLY_BYTES", 1000)
    async with FaultyServer(lambda number, body: Answer(b"0" * 5000)) as server:
        with pytest.raises(Broken, match="more than"):
            await post(server)


async def test_each_way_of_not_answering_has_its_name() -> None:
    async with FaultyServer(lambda number, body: cut(Answer(b"x" * 100), 50)) as server:
        with pytest.raises(Broken):
            await post(server)
    with pytest.raises(Unreachable, match="127"):
        await post(server)
    async with FaultyServer(lambda number, body: HANG) as server:
        with pytest.raises(TimeoutError, match=r"0\.02 s"):
            await post(server, timeout_s=0.02)


def test_the_environments_proxy_is_used_but_never_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert proxy_for("https://api.example/v1") is None
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert proxy_for("https://api.example/v1") == "http://proxy:3128"
    assert proxy_for("https://inside.example/v1") is None
    assert proxy_for("http://api.example/v1") is None
    for host in ("localhost", "127.0.0.1", "[::1]"):
        assert proxy_for(f"https://{host}:1/v1") is None


async def through_proxy(port: int, monkeypatch: pytest.MonkeyPatch, timeout_s: float = 5.0) -> transport.Reply:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    carrier = HttpTransport()
    try:
        reply = await carrier.post("http://api.example/v1/chat/completions", {"X-A": "b"}, b"{}", timeout_s)
        assert (carrier.requests, carrier.connections) == (1, 1)
        return reply
    finally:
        await carrier.close()


async def test_a_proxy_of_the_environment_carries_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultyServer(lambda number, body: Answer(b"tea", 418, {"X-Pot": "short"})) as proxy:
        reply = await through_proxy(proxy.port, monkeypatch)
    assert (reply.status, reply.headers["x-pot"], reply.body) == (418, "short", b"tea")
    assert proxy.headers[0].keys() == {"host", "x-a", "content-length"}
    assert proxy.headers[0]["host"] == "api.example"


async def test_a_proxy_fails_in_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultyServer(lambda number, body: cut(Answer(b"x" * 100), 50)) as proxy:
        with pytest.raises(Broken):
            await through_proxy(proxy.port, monkeypatch)
    with pytest.raises(Unreachable):
        await through_proxy(proxy.port, monkeypatch)
    async with FaultyServer(lambda number, body: HANG) as proxy:
        with pytest.raises(TimeoutError, match=r"0\.05 s"):
            await through_proxy(proxy.port, monkeypatch, timeout_s=0.05)
    monkeypatch.setattr(proxied, "MAX_REPLY_BYTES", 10)
    async with FaultyServer(lambda number, body: Answer(b"x" * 100)) as proxy:
        with pytest.raises(Broken, match="more than"):
            await through_proxy(proxy.port, monkeypatch)


async def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    async with FaultyServer(lambda number, body: Answer(b"x", headers={"Connection": "close"})) as server:
        carrier = HttpTransport()
        for _ in range(3):
            await carrier.post(chat_url(server.base_url), {}, b"{}", 5.0)
        await carrier.close()
    assert (carrier.connections, server.connections) == (3, 3)


async def test_a_server_that_says_more_than_it_was_asked_is_not_listened_to() -> None:
    stray = Answer(b"one" + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray", headers={"Content-Length": "3"})
    async with FaultyServer(lambda number, body: stray if number == 0 else Answer(b"two")) as server:
        carrier = HttpTransport()
        bodies = [(await carrier.post(chat_url(server.base_url), {}, b"{}", 5.0)).body for _ in range(2)]
        await carrier.close()
    assert bodies == [b"one", b"two"]
    assert server.connections == 2


async def test_a_cancelled_request_closes_its_connection() -> None:
    async with FaultyServer(lambda number, body: HANG if number == 0 else Answer(b"two")) as server:
        carrier = HttpTransport()
        asked = asyncio.create_task(carrier.post(chat_url(server.base_url), {}, b"{}", 5.0))
        while not server.requests:
            await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert (await carrier.post(chat_url(server.base_url), {}, b"{}", 5.0)).body == b"two"
        await carrier.close()
    assert server.connections == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate for 127.0.0.1, in one file."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    extension = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    try:
        subprocess.run([*command, *extension], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs openssl")
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


async def test_tls_needs_a_certificate_that_holds(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with FaultyServer(lambda number, body: Answer(b"x" * 100_000), tls=context) as server:
        assert server.base_url.startswith("https://")
        connections.tls.cache_clear()
        with pytest.raises(Unreachable, match="certificate verify failed"):
            await post(server)
        connections.tls.cache_clear()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
        assert len((await post(server)).body) == 100_000
        connections.tls.cache_clear()
