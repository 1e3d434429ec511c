"""An OpenAI-compatible server of one model: POST /v1/chat/completions, GET /v1/models, GET /health.

A request walks so: the key is checked -> the body is read strictly -> the messages become ids -> the engine's thread
works on its choices beside those of others -> the reply goes out whole, or in server-sent events as it comes. A client
that leaves takes its choices with it.
"""

import asyncio
import hmac
import ipaddress
import logging
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

from trainer.serving.answer import Reply
from trainer.serving.engine import PromptTooLong
from trainer.serving.loading import Loaded
from trainer.serving.requests import BadRequest, ChatRequest, chat_request
from trainer.serving.voice import BadMessages
from trainer.serving.wire import Wire, error
from trainer.serving.worker import Job, Stopped, Worker

BODY_BYTES = 8 << 20
_FOREIGN = (HttpProcessingError, web.RequestPayloadError)
_PORT = re.compile(r":\d*$")
LEAVE_S = 10.0
"""How long replies under way may go on when the server is told to stop."""


class Server:
    """The handlers, and what they share."""

    def __init__(self, loaded: Loaded, worker: Worker) -> None:
        self._engine, self._voice, self._defaults = loaded.engine, loaded.voice, loaded.sampling
        self._worker = worker
        self._wire = Wire(loaded.name, loaded.engine.tokenizer)
        self._started = int(time.time())
        # A tokenizer is for one thread at a time, and a long prompt shall not hold up the others' events.
        self._encoding = ThreadPoolExecutor(1, "prompts")

    def close(self) -> None:
        """Give back the thread."""
        self._encoding.shutdown(wait=False, cancel_futures=True)

    async def health(self, _: web.Request) -> web.Response:
        """Whether it is there, and how busy."""
        return web.json_response({"status": "ok", "under_way": self._worker.under_way})

    async def models(self, _: web.Request) -> web.Response:
        """The one model."""
        return _json(self._wire.models(self._started, self._engine.context))

    async def model(self, request: web.Request) -> web.Response:
        """Any model by name: this one or none."""
        if request.match_info["name"] != self._wire.model:
            raise self._unknown(request.match_info["name"])
        return web.json_response({"id": self._wire.model, "object": "model", "created": self._started})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """A chat completion."""
        if request.content_type != "application/json" and not _unstated(request):
            # Not a formality: a page in a browser may post plain text anywhere, JSON only where it is let.
            raise BadRequest(f"content-type {request.content_type}: expected application/json", status=415)
        asked = chat_request(await request.read(), context=self._engine.context, speaker=self._voice.speaker)
        if asked.model not in (None, self._wire.model):
            raise self._unknown(str(asked.model))
        job = await self._job(asked)
        self._worker.put(job)
        try:
            return await (self._stream(request, asked, job) if asked.stream else self._whole(job))
        finally:
            self._worker.cancel(job)

    async def _job(self, asked: ChatRequest) -> Job:
        messages = [one.message() for one in asked.messages]
        try:
            prompt = await asyncio.get_running_loop().run_in_executor(self._encoding, self._voice.prompt, messages)
        except BadMessages as problem:
            raise BadRequest(str(problem), "messages") from None
        try:
            self._engine.check(prompt)
        except PromptTooLong as problem:
            raise BadRequest(str(problem), "messages", "context_length_exceeded") from None
        sampling = asked.sampling(self._defaults, secrets.randbits(63))
        return Job(prompt, sampling, asked.n or 1, bool(asked.stream))

    async def _whole(self, job: Job) -> web.Response:
        replies: dict[int, Reply] = {}
        while len(replies) < job.n:
            news = await job.next()
            if news.reply is not None:
                replies[news.choice] = news.reply
        ordered = [replies[choice] for choice in range(job.n)]
        return _json(self._wire.completion(_id(), int(time.time()), ordered))

    async def _stream(self, request: web.Request, asked: ChatRequest, job: Job) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        try:
            async for event in self._events(asked, job):
                await response.write(event)
        except Stopped:  # the status is out already: an event has to say it
            await response.write(b"data: " + error("the server has stopped", "server_error") + b"\n\n")
        await response.write_eof()
        return response

    async def _events(self, asked: ChatRequest, job: Job) -> AsyncIterator[bytes]:
        id, created, replies = _id(), int(time.time()), list[Reply]()
        with_usage = asked.stream_options is not None and asked.stream_options.include_usage
        extra = {"usage": None} if with_usage else {}
        for choice in range(job.n):
            yield self._wire.chunk(id, created, choice, {"role": "assistant", "content": ""}, **extra)
        while len(replies) < job.n:
            news = await job.next()
            if news.reply is not None:
                replies.append(news.reply)
            elif news.piece is not None and (news.piece.text or news.piece.logprobs or news.piece.finish_reason):
                piece = news.piece
                delta = {"content": piece.text} if piece.text or not piece.finish_reason else {}
                chances = piece.logprobs if asked.logprobs else None
                yield self._wire.chunk(id, created, news.choice, delta, chances, piece.finish_reason, **extra)
        if with_usage:
            yield self._wire.last_chunk(id, created, replies)
        yield b"data: [DONE]\n\n"

    def _unknown(self, name: str) -> BadRequest:
        text = f"model {name[:80]!r} is not served here; there is {self._wire.model!r}"
        return BadRequest(text, "model", "model_not_found", 404)


def _unstated(request: web.Request) -> bool:
    """Whether no kind of body is named, or the one that `curl -d` names by itself, by a client that is no browser."""
    by_itself = request.content_type in ("application/octet-stream", "application/x-www-form-urlencoded")
    return by_itself and not request.headers.keys() & {"Origin", "Sec-Fetch-Site", "Referer"}


def guard(key: str | None) -> Middleware:
    """A middleware: who may ask, and every refusal as OpenAI's error body."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            _admit(request, key)
            return await handler(request)
        except BadRequest as problem:
            kind = "authentication_error" if problem.status == 401 else "invalid_request_error"
            return _json(error(str(problem), kind, problem.param, problem.code), problem.status)
        except web.HTTPException as problem:
            text = f"{request.method} {request.path[:80]}: {problem.reason}"
            if isinstance(problem, web.HTTPRequestEntityTooLarge):
                text += f"; a body may have {BODY_BYTES:,} bytes"
            return _json(error(text, "invalid_request_error", None, None), problem.status)
        except web.RequestPayloadError as problem:  # compressed, chunked or cut off, and not as it says
            text = " ".join(str(problem).split())
            return _json(error(f"the body cannot be read: {text}", "invalid_request_error"), 400)
        except Stopped:
            return _json(error("the server has stopped", "server_error"), 503)

    return guarded


def _admit(request: web.Request, key: str | None) -> None:
    """Raise BadRequest for a wrong key or, where none is asked for, a name that is not this machine's own.

    The latter keeps out web pages whose host name was turned to 127.0.0.1 after they were loaded (DNS rebinding).
    """
    if key is None:
        for host in _hosts(request):
            if not is_loopback(host):
                raise BadRequest(f"host {host[:60]!r}: this server answers to its own machine only", status=403)
    elif request.path != "/health":
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        right = hmac.compare_digest(shown.strip().encode("utf-8", "surrogateescape"), key.encode())
        if scheme.lower() != "bearer" or not right:
            raise BadRequest("wrong or missing key; send Authorization: Bearer KEY", code="invalid_api_key", status=401)


def _hosts(request: web.Request) -> Iterator[str]:
    """The names, without ports, by which it was called and of the page that called; none where a client names none.

    Not by `request.url`: a header that is no address raises there.
    """
    for header in request.headers.getall("Host", []):
        yield _PORT.sub("", header.strip().lower())
    for header in request.headers.getall("Origin", []):
        scheme, found, host = header.strip().lower().partition("://")
        if found and scheme in ("http", "https"):
            yield _PORT.sub("", host)


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@asynccontextmanager
async def serving(
    loaded: Loaded,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    key: str | None = None,
    on_broken: Callable[[BaseException], None] = lambda error: None,
) -> AsyncIterator[str]:
    """Serve while the block runs; gives the base URL. Port 0 takes a free one. OSError where the port is taken.

    At the end replies under way have LEAVE_S to finish.
    """
    worker = Worker(loaded.engine, on_broken)
    server = Server(loaded, worker)
    app = web.Application(middlewares=[guard(key)], client_max_size=BODY_BYTES)
    app.router.add_get("/health", server.health)
    app.router.add_get("/v1/models", server.models)
    app.router.add_get("/v1/models/{name:.+}", server.model)
    app.router.add_post("/v1/chat/completions", server.chat)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=LEAVE_S, logger=_log())
    await runner.setup()
    worker.start()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{bound}/v1"
    finally:
        await runner.cleanup()
        worker.stop()
        server.close()


def _log() -> logging.Logger:
    """For faults of ours: what a client sent that is no HTTP has had its 400, and is no traceback of ours."""
    log = logging.getLogger("trainer.serving")
    if not log.filters:
        log.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], _FOREIGN)))
    return log


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")


def _id() -> str:
    return f"chatcmpl-{secrets.token_hex(12)}"
