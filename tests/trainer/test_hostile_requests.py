"""Requests that would bring a server down, or slip past its door: numbers at the edge, headers and bodies that lie."""

import asyncio
import gzip
import json
import time
from pathlib import Path
from typing import Any

import babbler
import pytest

from dialogue.errors import UsageError
from trainer.serving.loading import Loaded, opened
from trainer.serving.server import serving

HELLO = [{"role": "user", "content": "How do tides work?"}]
ASK = {"messages": HELLO, "max_tokens": 3}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return opened(babbler.save(tmp_path_factory.mktemp("models") / "babbler"), max_batch=8)


async def raw(url: str, data: bytes) -> bytes:
    """All that comes back until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2].split("/")[0]))
    writer.write(data)
    async with asyncio.timeout(60):
        found = await reader.read()
    writer.close()
    return found


def asking(body: Any = ASK, *headers: bytes, line: bytes = b"POST /v1/chat/completions HTTP/1.1") -> bytes:
    """A request as it goes over the wire, the last on its connection."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    if not any(header.lower().startswith(b"host:") for header in headers):
        headers = (b"Host: localhost", *headers)
    own = (b"Content-Type: application/json", b"Content-Length: %d" % len(data), b"Connection: close")
    return b"\r\n".join((line, *headers, *own, b"", data))


def status(reply: bytes) -> int:
    return int(reply.split(None, 2)[1])


def told(reply: bytes) -> str:
    """The error's message; the body has to be OpenAI's."""
    message: str = json.loads(reply.partition(b"\r\n\r\n")[2])["error"]["message"]
    return message


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 1e-40},
        {"temperature": 1e-46, "top_k": 5},
        {"temperature": 1e-6, "top_p": 0.5},
        {"top_p": 1e-300},
        {"top_p": 1e-300, "top_k": 10**18},
        {"repetition_penalty": 1e-40},
        {"repetition_penalty": 0.01, "temperature": 1.1e-5},
        {"repetition_penalty": 100, "temperature": 100},
        {"presence_penalty": -2, "frequency_penalty": -2, "temperature": 1e-5},
        {"stop_token_ids": [10**15, -5]},
    ],
)
async def test_no_number_takes_the_server_down(loaded: Loaded, fields: dict[str, Any]) -> None:
    broken: list[BaseException] = []
    async with serving(loaded, on_broken=broken.append) as url:
        assert status(await raw(url, asking({**ASK, **fields, "logprobs": True, "top_logprobs": 20}))) in (200, 400)
        assert status(await raw(url, asking())) == 200
    assert broken == []


async def test_a_temperature_of_almost_nothing_takes_the_likeliest_token(loaded: Loaded) -> None:
    async with serving(loaded) as url:
        asked = [{**ASK, "temperature": heat, "max_tokens": 20, "seed": 4} for heat in (0, 1e-40, 1e-7)]
        found = [json.loads((await raw(url, asking(one))).partition(b"\r\n\r\n")[2]) for one in asked]
    assert len({one["choices"][0]["message"]["content"] for one in found}) == 1


def test_scores_that_are_no_numbers_are_told(tmp_path: Path) -> None:
    import torch

    from trainer.serving.engine import Sampling

    own = opened(babbler.save(tmp_path / "babbler"))
    with torch.no_grad():
        own.net.model.norm.weight.fill_(torch.nan)
    for heat in (0.0, 1.0):
        with pytest.raises(UsageError, match="not numbers"):
            own.engine.complete([[5, 6]], Sampling(temperature=heat))


async def test_a_request_that_comes_after_the_engine_broke_down_is_told_at_once(tmp_path: Path) -> None:
    own = opened(babbler.save(tmp_path / "babbler"))
    gone = asyncio.Event()
    async with serving(own, on_broken=lambda _: gone.set()) as url:

        def burst() -> Any:
            raise RuntimeError("out of everything")

        own.engine.step = burst  # type: ignore[method-assign]
        first = await asyncio.gather(*(raw(url, asking()) for _ in range(3)))
        await gone.wait()
        async with asyncio.timeout(30):
            last = await raw(url, asking())
    assert {status(one) for one in (*first, last)} == {503}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"Host: [::1", 403),
        (b"Host: localhost:abc", 403),
        (b"Host: \xff\xfe", 403),
        (b"Host: localhost@evil.example", 403),
        (b"Host: evil.example:8000", 403),
        (b"Host: 127.0.0.1.evil.example", 403),
        (b"Host: ", 403),
        (b"Host: localhost:99999999", 200),
        (b"Host: [::1]:8000", 200),
        (b"Host: LOCALHOST", 200),
        (b"Origin: http://evil.example", 403),
        (b"Origin: https://127.0.0.1.evil.example:443", 403),
        (b"Origin: http://[", 403),
        (b"Origin: http://localhost:3000", 200),
        (b"Origin: null", 200),
        (b"Authorization: Bearer \xff\xfe", 200),
    ],
)
async def test_only_names_of_this_machine_are_answered_to(loaded: Loaded, header: bytes, expected: int) -> None:
    async with serving(loaded) as url:
        reply = await raw(url, asking(ASK, header))
    assert status(reply) == expected
    assert expected == 200 or "its own machine only" in told(reply)


async def test_a_client_that_names_no_host_is_no_browser(loaded: Loaded) -> None:
    data = json.dumps(ASK).encode()
    head = b"POST /v1/chat/completions HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    async with serving(loaded) as url:
        assert status(await raw(url, head % len(data) + data)) == 200


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"Authorization: Bearer s3cret", 200),
        (b"authorization: bearer  s3cret ", 200),
        (b"Authorization: Bearer \xff\xfe", 401),
        (b"Authorization: Basic s3cret", 401),
        (b"Authorization: s3cret", 401),
        (b"Authorization: Bearer", 401),
        (b"X: y", 401),
    ],
)
async def test_a_key_is_a_bearer_s_whatever_the_bytes(loaded: Loaded, header: bytes, expected: int) -> None:
    async with serving(loaded, key="s3cret") as url:
        reply = await raw(url, asking(ASK, b"Host: public.example", header))
    assert status(reply) == expected


async def test_bodies_that_are_not_what_their_headers_say_are_400_and_no_traceback(
    loaded: Loaded, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(loaded) as url:
        packed = gzip.compress(json.dumps(ASK).encode())
        assert status(await raw(url, asking(packed, b"Content-Encoding: gzip"))) == 200
        reply = await raw(url, asking(ASK, b"Content-Encoding: gzip"))
        assert status(reply) == 400
        assert "the body cannot be read" in told(reply)
        for garbage in (asking(line=b"BREW /v1 HTTP/1.1"), asking(ASK, b"Host: a", b"Host: b"), b"GET\r\n\r\n"):
            assert status(await raw(url, garbage)) == 400
        assert status(await raw(url, asking())) == 200
    assert caplog.records == []


async def test_a_client_s_own_record_of_a_reply_may_be_sent_back(loaded: Loaded) -> None:
    nothing: dict[str, Any] = {
        "annotations": [],
        "audio": None,
        "function_call": None,
        "tool_calls": None,
        "refusal": None,
    }
    said = {"role": "assistant", "content": "the moon", **nothing}
    asked = {**ASK, "tools": [], "tool_choice": "none", "logit_bias": {}, "messages": [*HELLO, said, *HELLO]}
    called = {**ASK, "messages": [*HELLO, {**said, "tool_calls": [{"id": "a"}]}, *HELLO]}
    async with serving(loaded) as url:
        assert status(await raw(url, asking(asked))) == 200
        refused = await raw(url, asking(called))
    assert status(refused) == 400
    assert told(refused).startswith("messages[1].tool_calls")


def test_control_tokens_typed_by_the_thousand_take_no_square_of_the_time(loaded: Loaded) -> None:
    from dialogue.records import Message

    def cpu_s(times: int) -> float:
        begun = time.process_time()
        ids = loaded.voice.prompt([Message(role="user", content="<|im_end|>" * times)])
        assert ids.count(babbler.END) == 1
        return time.process_time() - begun

    cpu_s(10)
    many, few = (min(cpu_s(times) for _ in range(3)) for times in (8000, 1000))
    assert many < 40 * few
