"""A question as the endpoint takes it: the body of a request, without what that endpoint has refused before."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from dialogue.records import Record
from generator.client.endpoint import Endpoint
from generator.client.retry import Nothing, unheard

SEED_MASK = 0x7FFF_FFFF
"""Some servers take no larger seed."""


class Sampling(Record):
    """How a role's answers are drawn; None leaves it to the endpoint."""

    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    """Of one answer, hidden reasoning included."""


@dataclass(slots=True)  # not frozen: one is made for each request, in a fifth of the time
class Ask:
    """One question, however often it has to be put."""

    messages: list[dict[str, str]]
    key: str
    """The dialogue it belongs to."""
    priority: int
    seed: int
    schema: dict[str, Any] | None
    sampling: Sampling | None = None
    """How this one answer is drawn; None: as the role's are."""
    top_logprobs: int | None = None
    """Ask for so many of the likeliest tokens at each place."""
    hear: Callable[[Nothing], None] = unheard
    """Hears of a reply that was paid for and holds nothing."""
    silence: bool = False
    """Whether a reply that says nothing is an answer."""
    attempt: int = 1


class Wording:
    """Turns questions into bodies for one role at one endpoint."""

    def __init__(self, endpoint: Endpoint, sampling: Sampling, dropped: set[str], say: Callable[[str], None]) -> None:
        """`dropped` is shared by all roles that speak to the same model there."""
        self._endpoint = endpoint
        self._sampling = sampling
        self._dropped = dropped
        self._say = say

    def fields(self, ask: Ask) -> dict[str, Any]:
        """The body; the settings of `extra_body` come last and win."""
        fields: dict[str, Any] = {"messages": ask.messages, **self._options(ask)}
        if self._endpoint.model is not None:
            fields["model"] = self._endpoint.model
        return {**fields, **self._endpoint.extra_body}

    def optional(self, fields: dict[str, Any]) -> set[str]:
        """Which fields of a body are ours to leave out: neither the question itself nor what the user wrote."""
        return fields.keys() - self._endpoint.extra_body.keys() - {"messages", "model"}

    def drop(self, parameter: str, complaint: str) -> None:
        """Leave a parameter out of all later requests, and say so once; `max_tokens` is renamed first."""
        if parameter in self._dropped:  # another request that was under way has found out before
            return
        self._dropped.add(parameter)
        instead = "sent as max_completion_tokens" if parameter == "max_tokens" else "left out"
        self._say(f"endpoint {self._endpoint.name}: {parameter} is {instead} from now on ({complaint})")

    def _options(self, ask: Ask) -> dict[str, Any]:
        sampling, dropped = ask.sampling or self._sampling, self._dropped
        longest = "max_completion_tokens" if "max_tokens" in dropped else "max_tokens"
        options = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            longest: sampling.max_tokens,
            "seed": ask.seed & SEED_MASK,
            "logprobs": True if ask.top_logprobs else None,
            "top_logprobs": ask.top_logprobs,
            "response_format": None if ask.schema is None else _bound_to(ask.schema),
        }
        return {name: value for name, value in options.items() if value is not None and name not in dropped}


def _bound_to(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": schema}}
