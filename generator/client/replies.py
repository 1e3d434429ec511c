"""From the bytes of a reply to what was said.

payload(body)        the JSON object; the standard library's parser where orjson's is too strict (lone surrogates)
usage_of(payload)    what it cost, None where nobody says
completion(payload)  what was said, or why that cannot be used:
                     Again("bad_reply")              nothing usable, the next attempt may bring it
                     ReplyFailed("reasoning_only")   the whole budget went into reasoning
                     ReplyFailed("content_filter")   the provider's filter took the answer
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import orjson

from dialogue.errors import ReplyFailed
from dialogue.records import Usage
from dialogue.thinking import split_thoughts
from generator.client.retry import Again

Format = Literal["schema", "text"]

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class Completion:
    """One answer."""

    content: str
    thoughts: str | None
    """Reasoning that came with it, never shown to the other side."""
    finish_reason: str | None
    refused: bool
    model: str | None
    """As the endpoint named itself."""
    fingerprint: str | None
    usage: Usage
    format: Format = "text"
    """Whether the server was bound to the schema, or only asked in words."""
    alternatives: tuple[tuple[str, float], ...] = ()
    """Tokens that might have stood first, with their log-probabilities, where they were asked for."""


def payload(body: bytes, quote: Callable[[bytes], str]) -> dict[str, Any]:
    """The reply's JSON object; raises Again quoting its first bytes where it is none."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _lenient(body)
    if not isinstance(value, dict):
        raise Again("bad_reply", f"expected a JSON object, got {quote(body)}")
    return value


def _lenient(body: bytes) -> Any:
    try:
        return _mended(json.loads(body.decode("utf-8", "replace")))
    except (ValueError, RecursionError):
        return None


def _mended(value: Any) -> Any:
    """The value with U+FFFD for each half of a surrogate pair: such text could not be written as UTF-8."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_mended(part) for part in value]
    if isinstance(value, dict):
        return {name: _mended(part) for name, part in value.items()}
    return value


def usage_of(payload: Mapping[str, Any]) -> Usage:
    """The tokens that the endpoint counted, for one request."""
    usage = payload.get("usage")
    if not isinstance(usage, dict):
        return Usage(requests=1)
    cached = _within(usage, "prompt_tokens_details", "cached_tokens")
    return Usage(
        requests=1,
        prompt_tokens=_tokens(usage.get("prompt_tokens")),
        completion_tokens=_tokens(usage.get("completion_tokens")),
        cached_tokens=_tokens(usage.get("prompt_cache_hit_tokens")) if cached is None else cached,
        reasoning_tokens=_within(usage, "completion_tokens_details", "reasoning_tokens"),
    )


def _within(usage: dict[str, Any], details: str, name: str) -> int | None:
    part = usage.get(details)
    return _tokens(part.get(name)) if isinstance(part, dict) else None


def _tokens(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def completion(
    payload: Mapping[str, Any], usage: Usage, format: Format, quote: Callable[[], str], *, silence: bool = False
) -> Completion:
    """What was said; `quote` shows the reply where that cannot be used. With `silence` it may be nothing."""
    choices = payload.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise Again("bad_reply", f"no choices in {quote()}")
    finish_reason = _text(choice.get("finish_reason")) or None
    if finish_reason == "content_filter":
        raise ReplyFailed("content_filter", "the endpoint's filter took the answer")
    content, thoughts = _parts(message)
    refusal = _text(message.get("refusal"))
    if refusal.strip() and not content.strip():
        content = refusal
    if not content.strip() and not (silence and finish_reason == "stop" and not thoughts):
        _nothing_said(finish_reason, thoughts, usage, quote)
    return Completion(
        content=content,
        thoughts=thoughts or None,
        finish_reason=finish_reason,
        refused=bool(refusal.strip()),
        model=_text(payload.get("model")) or None,
        fingerprint=_text(payload.get("system_fingerprint")) or None,
        usage=usage,
        format=format,
        alternatives=_alternatives(choice),
    )


def _alternatives(choice: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    """The likeliest tokens of the first place."""
    logprobs = choice.get("logprobs")
    places = logprobs.get("content") if isinstance(logprobs, dict) else None
    first = places[0] if isinstance(places, list) and places else None
    tokens = first.get("top_logprobs") if isinstance(first, dict) else None
    found = [token for token in tokens if isinstance(token, dict)] if isinstance(tokens, list) else []
    return tuple(
        (token["token"], float(token["logprob"]))
        for token in found
        if isinstance(token.get("token"), str) and isinstance(token.get("logprob"), int | float)
    )


def _nothing_said(finish_reason: str | None, thoughts: str, usage: Usage, quote: Callable[[], str]) -> NoReturn:
    if thoughts or (finish_reason == "length" and usage.reasoning_tokens):
        spent = f"{usage.reasoning_tokens} tokens" if usage.reasoning_tokens else f"{len(thoughts)} characters"
        raise ReplyFailed("reasoning_only", f"{spent} of reasoning and no answer ({finish_reason}); raise max_tokens")
    raise Again("bad_reply", f"no content in {quote()}")


def _parts(message: Mapping[str, Any]) -> tuple[str, str]:
    """What is said and what was thought before it."""
    content, thoughts = message.get("content"), _text(message.get("reasoning_content") or message.get("reasoning"))
    if isinstance(content, list):
        thoughts = thoughts or _joined(content, "thinking")
        content = _joined(content, "text")
    said = _text(content)
    if "think" in said:
        within, said = split_thoughts(said)
        thoughts = thoughts or within
    return said, thoughts.strip()


def _joined(parts: list[Any], kind: str) -> str:
    found = [part.get(kind) for part in parts if isinstance(part, dict) and part.get("type") == kind]
    return "".join(_joined(part, "text") if isinstance(part, list) else _text(part) for part in found)


def _text(value: Any) -> str:
    """A string without NUL, which no text column or C string survives; "" for anything else."""
    return value.replace("\0", "") if isinstance(value, str) else ""
