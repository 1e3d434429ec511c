"""The records that travel through everything: frozen, strict, and knowing nothing of who makes them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from dialogue.chance import hex64
from dialogue.errors import Reason

Role = Literal["system", "user", "assistant", "tool"]
Stop = Literal["user_stopped", "max_turns", "max_tokens", "refused"]


class Record(BaseModel):
    """Frozen, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Message(Record):
    """One turn's half: who speaks and what is said."""

    role: Role
    content: str
    thoughts: str | None = None
    """Reasoning that came with the answer; never shown to the other side."""
    tool_calls: list[JsonValue] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    finish_reason: str | None = None
    model: str | None = None
    """The model as the endpoint named itself in this reply."""
    weight: float | None = None
    """What it counts where something is learned from it; an assistant's message of weight 0 is read and not learned."""
    scores: dict[str, JsonValue] | None = None
    candidates: list[JsonValue] | None = None


class Usage(Record):
    """Tokens as the endpoint counted them; None where nobody reported, which is not zero."""

    requests: int = 0
    prompt_tokens: int | None = None
    """All prompt tokens, cached ones included."""
    completion_tokens: int | None = None
    """All paid output tokens, hidden reasoning included."""
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            requests=self.requests + other.requests,
            prompt_tokens=self._both(self.prompt_tokens, other, other.prompt_tokens),
            completion_tokens=self._both(self.completion_tokens, other, other.completion_tokens),
            cached_tokens=_sum(self.cached_tokens, other.cached_tokens),
            reasoning_tokens=_sum(self.reasoning_tokens, other.reasoning_tokens),
        )

    def _both(self, mine: int | None, other: "Usage", theirs: int | None) -> int | None:
        """The sum; None as soon as one side has sent requests whose tokens nobody reported."""
        if (mine is None and self.requests) or (theirs is None and other.requests):
            return None
        return _sum(mine, theirs)


def _sum(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else a + b


class Seed(Record):
    """What a dialogue was grown from, and every choice that was drawn for it."""

    topic: str | None = None
    subtopic: str | None = None
    kind: str | None = None
    persona: str | None = None
    language: str | None = None
    material: str | None = None
    extra: dict[str, JsonValue] = Field(default_factory=dict)


class Dialogue(Record):
    """One finished dialogue: a line of dialogues.jsonl."""

    id: str
    sector: str | None = None
    messages: tuple[Message, ...]
    seed: Seed = Field(default_factory=Seed)  # a default instance is deep-copied: 10 times the cost
    stop: Stop | None = None
    user_model: str | None = None
    assistant_model: str | None = None
    usage: dict[str, Usage] = Field(default_factory=dict)
    cost_usd: float | None = None
    scores: dict[str, JsonValue] = Field(default_factory=dict)
    run: str | None = None
    created: str | None = None


class Failure(Record):
    """One dialogue that ended badly: a line of failures.jsonl, partial turns included."""

    id: str
    sector: str | None = None
    stage: str
    reason: Reason
    detail: str
    messages: tuple[Message, ...] = ()
    seed: Seed = Field(default_factory=Seed)


def encode(record: Record) -> bytes:
    """The record as one JSON line, newline included; optional message and usage fields appear only where set."""
    return orjson.dumps(record, default=_fields, option=orjson.OPT_APPEND_NEWLINE)


def plain(record: Message | Usage) -> dict[str, JsonValue]:
    """The record as a dict that holds only what is set."""
    return {name: value for name, value in record.__dict__.items() if value is not None}


def _fields(value: Any) -> dict[str, Any]:
    if isinstance(value, Message | Usage):
        return plain(value)
    if isinstance(value, Record):
        return value.__dict__
    raise TypeError(f"{type(value).__name__} is no part of a record")


def decode(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue in a JSON object: only `messages` is required, foreign keys go to `seed.extra`.

    Raises ValueError, in one line, where the shape is wrong.
    """
    known = {name: value for name, value in fields.items() if name in Dialogue.model_fields and value is not None}
    foreign = {name: value for name, value in fields.items() if name not in Dialogue.model_fields}
    seed = known.get("seed") or {}
    if foreign:
        extra = seed.get("extra") or {} if isinstance(seed, dict) else None
        if not isinstance(extra, dict):
            raise ValueError("seed: expected an object, and one in seed.extra")
        known["seed"] = {**seed, "extra": {**extra, **foreign}}
    id = known.setdefault("id", "")
    if isinstance(id, int) and not isinstance(id, bool):
        known["id"] = str(id)
    try:
        dialogue = Dialogue.model_validate(known)
    except ValidationError as error:
        raise ValueError(one_line(error)) from None
    if not dialogue.messages:
        raise ValueError("messages: empty")
    return dialogue if dialogue.id else dialogue.model_copy(update={"id": content_id(dialogue.messages)})


def content_id(messages: Sequence[Message]) -> str:
    """An id from nothing but what was said, and by whom."""
    return hex64(*(part for message in messages for part in (message.role, message.content)))


def one_line(error: ValidationError, hidden: Collection[str] = ()) -> str:
    """The first complaint of a pydantic error: place, trouble and value, except that of a `hidden` field."""
    first = error.errors(include_url=False)[0]
    message = first["msg"].removeprefix("Value error, ").partition(" or instance of ")[0]
    if not first["loc"]:  # about the whole: its value would be a dump of everything
        return message
    place = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f"{place}: is missing"
    message = message.removeprefix(f"{place}: ")
    about_a_table = isinstance(first.get("input"), dict)  # whose dump would say nothing
    if about_a_table or first["loc"][0] in hidden:
        return f"{place}: {message}"
    value = first.get("input")
    return f"{place}: {message} (got {'null' if value is None else repr(str(value)[:80])})"
