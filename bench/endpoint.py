"""An OpenAI-compatible chat endpoint for load measurements: no model, word salad, real HTTP.

    python bench/endpoint.py --port 8901 [--latency-ms 500 --jitter-ms 150] [--tokens 80]
        [--limit bucket|sliding --rpm 600 --tpm 0 --burst 10] [--fail-rate 0.0] [--by-hash] [--tls CERT:KEY]

It prints its base URL once it listens (`--port 0`: any free port). No two answers are alike; a simulated user's request
and one for a list of openers are answered in the shape that they ask for, any other with 68 words (texts.py). With
`--by-hash`, text and usage depend on the request's messages alone, and GET /seen counts the requests per hash of their
messages. GET /count gives requests received, those for lists, and in flight; GET /stats counters (answers, 429s,
connections, requests whose client died before its reply was sent, most in any 60 s and 1 s); POST /reset zeroes them;
POST /config {json} changes settings while it runs, and zeroes them too. It answers over 20,000 requests a second from a
process of its own, so that the client is what is measured. Needs httptools; uses uvloop where it is installed.
"""

import argparse
import asyncio
import json
import random
import ssl
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import httptools
import orjson
import xxhash
from limiters import LIMITERS, WINDOW_S, Settings, Verdict
from texts import answer_to, wants_list

MODELS = b'{"object":"list","data":[{"id":"mock","object":"model","created":1,"owned_by":"mock"}]}'
NOT_FOUND = b'{"error":{"message":"no such path","type":"invalid_request_error"}}'
FAILURE = b'{"error":{"message":"mock failure","type":"server_error"}}'
REFUSAL = (
    b'{"error":{"message":"Rate limit reached for mock. Please try again in %dms.",'
    b'"type":"requests","param":null,"code":"rate_limit_exceeded"}}'
)
ANSWER = (
    b'{"id":"chatcmpl-%016x","object":"chat.completion","created":%d,"model":"mock","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"%b","refusal":null},"logprobs":null,"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,'
    b'"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,'
    b'"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},'
    b'"service_tier":"default","system_fingerprint":"fp_mock"}'
)


@dataclass
class Counts:
    """What /stats tells."""

    n200: int = 0
    lists: int = 0
    n429: int = 0
    n500: int = 0
    other: int = 0
    conns: int = 0
    max_inflight: int = 0
    deserted: int = 0
    tokens_ok: int = 0
    prompt_tokens: int = 0
    bytes_in: int = 0
    per_sec: Counter[int] = field(default_factory=Counter)
    per_sec429: Counter[int] = field(default_factory=Counter)


class Endpoint:
    """The settings, the limiter and the counters that all connections share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.number = 0
        self.reset()

    def reset(self) -> None:
        self.limiter = LIMITERS[self.settings.limit](self.settings)
        self.counts = Counts()
        self.inflight = 0
        self.first_at = self.last_at = 0.0
        self.ok_at = array("d")
        self.seen: Counter[str] = Counter()

    def configure(self, changes: dict[str, Any]) -> None:
        for name, value in changes.items():
            setattr(self.settings, name, value)
        self.reset()

    def stats(self) -> dict[str, Any]:
        most = {f"max_in_{window_s:.0f}s": most_in(window_s, self.ok_at) for window_s in (WINDOW_S, 1.0)}
        return {**vars(self.counts), "span_s": self.last_at - self.first_at, **most}

    def chat(self, body: bytes) -> tuple[bytes, bool]:
        """The whole reply to a request, and whether it is an answer (which takes its time) or a refusal."""
        now, counts = time.monotonic(), self.counts
        self.first_at = self.first_at or now
        self.last_at = now
        counts.bytes_in += len(body)
        number, prompt_tokens = self.identify(body)
        tokens = prompt_tokens + self.settings.tokens
        verdict = self.limiter.admit(tokens, now)
        if not verdict.admitted:
            counts.n429 += 1
            counts.per_sec429[int(now - self.first_at)] += 1
            return self.refusal(verdict), False
        if self.settings.fail_rate and random.random() < self.settings.fail_rate:
            counts.n500 += 1
            return http(b"500 Internal Server Error", FAILURE), False
        counts.n200 += 1
        counts.lists += wants_list(body)
        counts.tokens_ok += tokens
        counts.prompt_tokens += prompt_tokens
        counts.per_sec[int(now - self.first_at)] += 1
        self.ok_at.append(now)
        answer = ANSWER % (
            number,
            int(time.time()),
            answer_to(body, number),
            prompt_tokens,
            self.settings.tokens,
            tokens,
        )
        return http(b"200 OK", answer, self.limit_headers(verdict, 0.1)), True

    def identify(self, body: bytes) -> tuple[int, int]:
        """The number that chooses the text, and the prompt's tokens."""
        if not self.settings.by_hash:
            self.number += 1
            return self.number, max(1, len(body) // 5)
        messages = orjson.dumps(orjson.loads(body)["messages"], option=orjson.OPT_SORT_KEYS)
        number = xxhash.xxh64_intdigest(messages)
        self.seen[f"{number:016x}"] += 1
        return number, max(1, len(messages) // 5)

    def refusal(self, verdict: Verdict) -> bytes:
        wait_ms = int(verdict.wait_s * 1000) + 1
        retry = b"retry-after: %d\r\nretry-after-ms: %d\r\n" % (int(verdict.wait_s) + 1, wait_ms)
        headers = retry + self.limit_headers(verdict, verdict.wait_s)
        return http(b"429 Too Many Requests", REFUSAL % wait_ms, headers)

    def limit_headers(self, verdict: Verdict, reset_s: float) -> bytes:
        """The x-ratelimit headers of the limits that are set; none for those that are not."""
        if self.settings.limit == "none":
            return b""
        kinds = (
            (b"requests", self.settings.rpm, verdict.requests_left),
            (b"tokens", self.settings.tpm, verdict.tokens_left),
        )
        line = b"x-ratelimit-limit-%b: %d\r\nx-ratelimit-remaining-%b: %d\r\nx-ratelimit-reset-%b: %.3fs\r\n"
        return b"".join(line % (kind, limit, kind, max(0, left), kind, reset_s) for kind, limit, left in kinds if limit)

    def delay_s(self) -> float:
        settings = self.settings
        if settings.latency_ms <= 0:
            return 0.0
        return max(0.0, settings.latency_ms + random.uniform(-settings.jitter_ms, settings.jitter_ms)) / 1000.0


def most_in(window_s: float, times: Sequence[float]) -> int:
    """The most of the times, in order, that lie within any window of this length."""
    most = start = 0
    for end, at in enumerate(times):
        while at - times[start] >= window_s:
            start += 1
        most = max(most, end - start + 1)
    return most


def http(status: bytes, body: bytes, headers: bytes = b"") -> bytes:
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n"
    return head % (status, len(body), headers) + body


class Connection(asyncio.Protocol):
    """One client's connection, parsed by httptools."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.parser = httptools.HttpRequestParser(self)
        self.url = b""
        self.body: list[bytes] = []
        self.owed = 0

    def connection_made(self, transport: Any) -> None:  # uvloop's is no asyncio.Transport to a type checker
        self.transport = transport
        self.endpoint.counts.conns += 1

    def connection_lost(self, error: Exception | None) -> None:
        self.endpoint.counts.deserted += self.owed

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    def on_message_begin(self) -> None:
        self.url, self.body = b"", []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"expect" and value.lower() == b"100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        body = b"".join(self.body)
        if self.url.endswith(b"/chat/completions"):
            self.chat(body)
        else:
            self.send(http(*self.page(body)))

    def chat(self, body: bytes) -> None:
        reply, answered = self.endpoint.chat(body)
        delay_s = self.endpoint.delay_s() if answered else 0.0
        if delay_s == 0.0:
            self.send(reply)
            return
        self.owed += 1
        self.endpoint.inflight += 1
        self.endpoint.counts.max_inflight = max(self.endpoint.counts.max_inflight, self.endpoint.inflight)
        asyncio.get_running_loop().call_later(delay_s, self.finish, reply)

    def finish(self, reply: bytes) -> None:
        self.owed -= 1
        self.endpoint.inflight -= 1
        self.send(reply)

    def send(self, reply: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(reply)

    def page(self, body: bytes) -> tuple[bytes, bytes]:
        """Everything that is not a chat request."""
        endpoint, path = self.endpoint, self.url.split(b"?")[0]
        if path == b"/stats":
            return b"200 OK", json.dumps(endpoint.stats()).encode()
        if path == b"/count":
            counts = endpoint.counts
            received = counts.n200 + counts.n429 + counts.n500
            line = b'{"received":%d,"lists":%d,"in_flight":%d}'
            return b"200 OK", line % (received, counts.lists, endpoint.inflight)
        if path == b"/seen":
            return b"200 OK", json.dumps(endpoint.seen).encode()
        if path in (b"/reset", b"/config"):
            endpoint.configure(json.loads(body or b"{}") if path == b"/config" else {})
            return b"200 OK", b"{}"
        if path.endswith(b"/models"):
            return b"200 OK", MODELS
        endpoint.counts.other += 1
        return b"404 Not Found", NOT_FOUND


def arguments() -> Settings:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for setting in fields(Settings):
        flag, default = "--" + setting.name.replace("_", "-"), setting.default
        if isinstance(default, bool):
            parser.add_argument(flag, action="store_true")
        else:
            choices = list(LIMITERS) if setting.name == "limit" else None
            parser.add_argument(flag, type=type(default), default=default, choices=choices)
    return Settings(**vars(parser.parse_args()))


def tls_context(files: str) -> ssl.SSLContext | None:
    if not files:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files.split(":"))
    return context


async def serve(settings: Settings) -> None:
    endpoint, context = Endpoint(settings), tls_context(settings.tls)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(endpoint), "127.0.0.1", settings.port, backlog=4096, ssl=context
    )
    port = server.sockets[0].getsockname()[1]
    print(f"{'https' if context else 'http'}://127.0.0.1:{port}/v1", flush=True)
    await server.serve_forever()


def main() -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(arguments()))
    else:
        uvloop.run(serve(arguments()))


if __name__ == "__main__":
    main()
