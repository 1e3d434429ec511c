"""One role's way to its endpoint: a completion, or the reason why there is none.

A request walks so: the meter allows it -> the server's clock lets it go -> it is posted -> its usage settles both.
What comes back other than a completion is either tried again (`generator.client.retry`), or ends this dialogue
(ReplyFailed), or ends the run (RunStopped); `generator.client.refusals` says which.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from dialogue.errors import Reason, ReplyFailed, RunStopped
from dialogue.records import Usage
from generator.client import prices, replies
from generator.client.endpoint import Endpoint
from generator.client.keys import shortened
from generator.client.meter import Meter
from generator.client.refusals import OVERLOADED, complaint, unsupported, verdict, wait_asked_s
from generator.client.replies import Completion, Format
from generator.client.retry import Again, Nothing, again, unheard
from generator.client.servers import Paces, Patience, Server
from generator.client.tokens import Counter
from generator.client.transport import Reply, Transport
from generator.client.wire import Wire
from generator.client.wording import Ask, Sampling, Wording

__all__ = ["Chat", "Completion", "Paces", "Patience", "Sampling"]

LEAST_IN_A_ROW = 5
"""With fewer slots than that, a few bad dialogues side by side say nothing about the endpoint."""
LONGEST_OVERLOAD_S = 60.0
MESSAGE_TOKENS = 4
"""What a chat template adds to each message, about."""

COUNTED: tuple[Reason, ...] = ("bad_request", "endpoint", "timeout", "bad_reply", "content_filter", "reasoning_only")
"""Failures that stop the run where nothing else comes any more."""


class Chat:
    """One role's way to one endpoint."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        role: str,
        sampling: Sampling,
        paces: Paces,
        transport: Transport,
        meter: Meter,
        say: Callable[[str], None],
        retry_wait_s: float = 1.0,
    ) -> None:
        """Raises UsageError where the environment lacks the endpoint's key."""
        self.model = endpoint.model
        self.price = meter.roles[role].price
        self._meter = meter
        self._totals = meter.roles[role]
        self._say = say
        self._retry_wait_s = retry_wait_s
        self._totals.limit = sampling.max_tokens
        self._place = f"endpoint {endpoint.name}, {role}"
        self._wire = Wire(endpoint, paces, transport, self._totals, retry_wait_s)
        self._wording = Wording(endpoint, sampling, paces.dropped(endpoint), say)
        self._patience_in_a_row = max(paces.slots, LEAST_IN_A_ROW)
        self._in_a_row = 0
        self._told_reasoning = False
        # tiktoken's counts cost CPU for each new text; without a limit on tokens or money, nothing needs them.
        self._counter = Counter(endpoint.model if endpoint.tokens_per_minute or meter.caps_cost else None)

    def cost(self, usage: Usage) -> float | None:
        """US dollars for the usage; None where the price or the usage is not known."""
        return prices.cost(self.price, usage)

    async def complete(
        self,
        messages: list[dict[str, str]],
        *,
        key: str,
        priority: int,
        seed: int,
        schema: dict[str, Any] | None = None,
        sampling: Sampling | None = None,
        top_logprobs: int | None = None,
        after: Nothing | None = None,
        hear: Callable[[Nothing], None] = unheard,
        silence: bool = False,
    ) -> Completion:
        """The endpoint's answer. ReplyFailed ends the dialogue `key`; RunStopped ends the run.

        The lowest priority number goes first. A schema binds the answer where the endpoint takes one; the completion's
        `format` says whether it did. `sampling` stands for the role's own. `hear` is told of each reply that was paid
        for and holds nothing, if no `silence` is wanted; `after` one that was not the last, its attempts go on.
        """
        ask = Ask(messages, key, priority, seed, schema, sampling, top_logprobs, hear, silence)
        made = 1 if after is None else after.attempt
        try:
            try:
                if after is not None:
                    raise Again(after.reason, after.detail)
                completion = await self._attempt(ask)
            except Again as last:
                completion = await again(partial(self._retry, ask), last, self._retry_wait_s, made)
        except ReplyFailed as failure:
            self._failed(failure)
            raise
        self._in_a_row = 0
        return completion

    async def _retry(self, ask: Ask, number: int, last: Again) -> Completion:
        """Ask again; where the reply was no answer with another seed, since the same one would bring it back."""
        self._totals.retries += 1
        seed = ask.seed + number if last.reason == "bad_reply" else ask.seed
        return await self._attempt(replace(ask, seed=seed, attempt=number))

    def _failed(self, failure: ReplyFailed) -> None:
        """Count failures in a row; RunStopped where as many as there are slots came without a success between."""
        self._in_a_row = self._in_a_row + 1 if failure.reason in COUNTED else 0
        if self._in_a_row >= self._patience_in_a_row:
            row = f"{self._in_a_row} failures in a row and nothing else"
            raise RunStopped(f"{self._place}: {row}, the last: {failure}; see failures.jsonl") from None
        if failure.reason == "reasoning_only" and not self._told_reasoning:
            self._told_reasoning = True
            self._say(f"{self._place}: {failure.detail}")

    async def _attempt(self, ask: Ask) -> Completion:
        """One attempt: whatever has to be waited out, or said differently, is part of it."""
        while True:
            fields = self._wording.fields(ask)
            body = orjson.dumps(fields)
            prompt_tokens = _prompt_tokens(self._counter, ask, body)
            tokens = prompt_tokens + self._totals.mean_completion
            held = await self._meter.reserve(self._totals, prompt_tokens)
            try:
                server, reply = await self._wire.send(body, ask.key, ask.priority, tokens)
                if reply is not None and reply.status == 200:
                    return self._read(ask, server, reply, body, tokens, held, "response_format" in fields)
            finally:
                self._meter.release(self._totals, held)
            if reply is not None:
                self._refused(server, reply, fields)

    def _read(
        self, ask: Ask, server: Server, reply: Reply, body: bytes, tokens: int, held: float, bound: bool
    ) -> Completion:
        """What a reply of status 200 says; settles clock and meter first, as a useless answer is paid for too."""
        quote, servers = self._wire.quote, self._wire.servers
        try:
            payload = replies.payload(reply.body, quote)
        except Again as error:
            server.pace.settle(tokens, 0)
            servers.bad(server, error.detail)
            raise
        usage = replies.usage_of(payload)
        self._totals.paid(usage, held)
        if usage.prompt_tokens is not None:
            self._counter.learn(len(body), usage.prompt_tokens)
            server.pace.settle(tokens, usage.prompt_tokens + (usage.completion_tokens or 0))
        servers.well(server)
        server.pace.accepted(reply.headers)
        completion = _said(ask, payload, usage, bound, lambda: quote(reply.body))
        self._totals.named(completion.finish_reason, completion.model, completion.fingerprint)
        return completion

    def _refused(self, server: Server, reply: Reply, fields: dict[str, Any]) -> None:
        """Return where the request is to be put again at no cost of an attempt; else raise what came of it."""
        wire = self._wire
        said = complaint(reply.body, wire.quote)
        text = f"{reply.status}: {shortened(wire.scrub(' '.join(said.message.split())))}"
        if reply.status != 429:
            server.rejecting_since = None
        match verdict(reply.status, said):
            case "wait":
                self._totals.rejections += 1
                wire.servers.rejected(server, wait_asked_s(reply, said.message), text)
            case "stop":
                wire.stop(server, reply, text)
            case "again":
                if reply.status in OVERLOADED and (wait_s := wait_asked_s(reply, said.message)):
                    server.pace.pause(min(wait_s, LONGEST_OVERLOAD_S))
                wire.bad(server, "endpoint", text)
            case "filtered":
                raise ReplyFailed("content_filter", text)
            case "request":
                parameter = unsupported(said, self._wording.optional(fields))
                if parameter is None:
                    raise ReplyFailed("bad_request", text)
                self._wording.drop(parameter, text)


def _prompt_tokens(counter: Counter, ask: Ask, body: bytes) -> int:
    if counter.estimated:
        return counter.tokens_in(len(body))
    return sum(counter.count(message["content"]) + MESSAGE_TOKENS for message in ask.messages)


def _said(ask: Ask, payload: dict[str, Any], usage: Usage, bound: bool, quote: Callable[[], str]) -> Completion:
    """What a reply says; who asks hears of one that was paid for and holds nothing."""
    format: Format = "schema" if bound and ask.schema is not None else "text"
    try:
        return replies.completion(payload, usage, format, quote, silence=ask.silence)
    except (Again, ReplyFailed) as error:
        ask.hear(Nothing(ask.attempt, error.reason, error.detail, usage))
        raise
