"""A request for a chat completion, read strictly: what is not understood is refused, nothing is ignored in silence."""

from difflib import get_close_matches
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dialogue.errors import UsageError
from dialogue.records import Message
from trainer.serving.sampling import LEAST_PENALTY, MOST_LOGPROBS, Sampling
from trainer.text.speakers import Speaker, check_floor

MOST_CHOICES = 128
MOST_STOPS = 16
HARMLESS = ("user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key")
"""Fields of bookkeeping, which change no reply."""
EMPTY: dict[str, Any] = {"tools": [], "functions": [], "logit_bias": {}, "tool_choice": "none"}
"""What is not supported, said so that it asks for nothing."""
UNSUPPORTED = (
    *("tools", "tool_choice", "parallel_tool_calls", "functions", "function_call", "response_format", "logit_bias"),
    *("modalities", "audio", "prediction", "reasoning_effort", "web_search_options", "verbosity", "best_of", "echo"),
    *("min_p", "suffix", "guided_json", "guided_regex", "guided_choice", "guided_grammar"),
)
Code = Literal["unsupported_parameter", "unknown_parameter", "invalid_value", "context_length_exceeded", "invalid_json"]


class BadRequest(ValueError):
    """A request that is answered with status 400, or another below 500."""

    def __init__(self, message: str, param: str | None = None, code: str = "invalid_value", status: int = 400) -> None:
        super().__init__(message)
        self.param, self.code, self.status = param, code, status


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TextPart(_Strict):
    """A piece of a message."""

    type: Literal["text"]
    text: str


class Said(_Strict):
    """A message as it comes over the wire."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart]
    name: str | None = None
    refusal: None = None

    @model_validator(mode="before")
    @classmethod
    def _stated(cls, fields: Any) -> Any:
        """Without what a client's own record of a reply holds empty (`annotations`, `tool_calls` ...)."""
        if not isinstance(fields, dict):
            return fields
        return {name: value for name, value in fields.items() if name == "content" or value not in (None, [])}

    def message(self) -> Message:
        """The same as our record."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return Message(role="system" if self.role == "developer" else self.role, content=text)


class StreamOptions(_Strict):
    """What a stream tells besides."""

    include_usage: bool = False
    include_obfuscation: bool = False


Stop = Annotated[str, Field(min_length=1)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Length = Annotated[int, Field(ge=1)]


class ChatRequest(_Strict):
    """The body of POST /v1/chat/completions."""

    messages: list[Said]
    model: str | None = None
    n: int | None = Field(default=None, ge=1, le=MOST_CHOICES)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(default=None, ge=0, le=100)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=-1)
    repetition_penalty: float | None = Field(default=None, ge=LEAST_PENALTY, le=100)
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    max_tokens: Length | None = None
    max_completion_tokens: Length | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=MOST_STOPS)] | None = None
    stop_token_ids: list[int] | None = None
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**64)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=MOST_LOGPROBS)

    def sampling(self, defaults: Sampling, seed: int) -> Sampling:
        """How its replies are drawn: as it says, else as the model says; `seed` where it names none."""
        limits = [limit for limit in (self.max_tokens, self.max_completion_tokens) if limit is not None]
        stops = [self.stop] if isinstance(self.stop, str) else self.stop or []
        own: dict[str, Any] = {
            name: value
            for name in ("temperature", "top_p", "repetition_penalty", "presence_penalty", "frequency_penalty")
            if (value := getattr(self, name)) is not None
        }
        if self.top_k is not None:
            own["top_k"] = max(self.top_k, 0)
        return defaults.model_copy(
            update={
                **own,
                "max_tokens": min(limits, default=defaults.max_tokens),
                "stop": tuple(stops),
                "stop_ids": tuple(self.stop_token_ids or ()),
                "seed": seed if self.seed is None else self.seed,
                "top_logprobs": (self.top_logprobs or 0) if self.logprobs else None,
            }
        )


def chat_request(body: bytes, *, context: int, speaker: Speaker = "assistant") -> ChatRequest:
    """The request in a body, to a model of a speaker's side. Raises BadRequest: the field, the value and the mend."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}", code="invalid_json") from None
    if not isinstance(fields, dict):
        raise BadRequest(f"the body is a JSON {type(fields).__name__}, expected an object with `messages`")
    fields = {name: value for name, value in fields.items() if value is not None and name not in HARMLESS}
    _known(fields)
    try:
        request = ChatRequest.model_validate(fields)
    except ValidationError as error:
        raise _complaint(error) from None
    _sound(request, context)
    _floor(request, speaker)
    return request


def _known(fields: dict[str, Any]) -> None:
    if fields.get("response_format") == {"type": "text"}:
        del fields["response_format"]
    for name, nothing in EMPTY.items():
        if name in fields and fields[name] == nothing:
            del fields[name]
    for name in fields:
        if name in UNSUPPORTED:
            raise BadRequest(f"{name} is not supported by this server; leave it out", name, "unsupported_parameter")
        if name not in ChatRequest.model_fields:
            near = get_close_matches(name, ChatRequest.model_fields, n=1)
            hint = f"did you mean {near[0]}?" if near else "leave it out"
            raise BadRequest(f"{name[:60]!r} is an unknown parameter; {hint}", name[:60], "unknown_parameter")


def _complaint(error: ValidationError) -> BadRequest:
    errors = error.errors(include_url=False)
    # Of the branches of a union the one that came furthest is what was meant.
    first = max((one for one in errors if one["loc"][:1] == errors[0]["loc"][:1]), key=lambda one: len(one["loc"]))
    place = ""
    for part in first["loc"]:
        if isinstance(part, int):
            place += f"[{part}]"
        elif part.isidentifier() and part not in ("str", "int"):  # the rest names branches of a union
            place += f".{part}" if place else part
    if first["type"] == "missing":
        return BadRequest(f"{place} is missing", place)
    return BadRequest(f"{place}: {first['msg']}, got {str(first.get('input'))[:60]!r}", place)


def _sound(request: ChatRequest, context: int) -> None:
    """What depends on more than one field, or on the model."""
    if request.top_logprobs and not request.logprobs:
        raise BadRequest("top_logprobs needs logprobs: true", "top_logprobs")
    if request.stream_options is not None and not request.stream:
        raise BadRequest("stream_options needs stream: true", "stream_options")
    for name in ("max_tokens", "max_completion_tokens"):
        limit = getattr(request, name)
        if limit is not None and limit > context:
            raise BadRequest(f"{name} is {limit:,}, the model's context holds {context:,} tokens", name)


def _floor(request: ChatRequest, speaker: Speaker) -> None:
    """BadRequest where it is not the model's turn."""
    last = request.messages[-1].role if request.messages else None
    if speaker == "user":
        try:
            check_floor("system" if last == "developer" else last)
        except UsageError as error:
            raise BadRequest(f"messages: {error}", "messages") from None
    elif last is None:
        raise BadRequest("messages: empty, expected at least 1", "messages")
    elif last == "assistant":
        raise BadRequest("messages: the last one is the assistant's, so there is nothing to answer", "messages")
