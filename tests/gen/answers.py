"""Answers gone wrong, and when they come: in one dialogue, everywhere, at first, from some time on."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count

from faulty import Answer, cut, status
from runs import KEY, STRUCK, Behaviour, Body, mentions, side, well

Make = Callable[[Body], Answer]


def struck(body: Body) -> bool:
    """Whether this asks for the second answer of the one dialogue."""
    return side(body) == "assistant" and mentions(body, STRUCK) and len(body["messages"]) >= 3


def one(make: Make, when: Callable[[Body], bool] = struck) -> Callable[[], Behaviour]:
    """The fault in one dialogue, for as long as it is asked."""
    return lambda: lambda number, body: make(body) if when(body) else well(body)


def everywhere(make: Make) -> Callable[[], Behaviour]:
    """The fault in every answer."""
    return lambda: lambda number, body: make(body)


def first(n: int, make: Make) -> Callable[[], Behaviour]:
    """The fault in the first n answers."""
    return lambda: lambda number, body: make(body) if number < n else well(body)


def after(n: int, make: Make) -> Callable[[], Behaviour]:
    """The fault in all but the first n answers."""
    return lambda: lambda number, body: well(body) if number < n else make(body)


def in_turn(*makes: Make) -> Callable[[], Behaviour]:
    """One fault after the other in the one dialogue, then good answers."""

    def behave() -> Behaviour:
        asked = count()

        def act(number: int, body: Body) -> Answer:
            place = next(asked) if struck(body) else len(makes)
            return makes[place](body) if place < len(makes) else well(body)

        return act

    return behave


def empty_for_one_seed() -> Behaviour:
    """Nothing said in the one dialogue for as long as it is asked with the same seed, as servers that honour it do."""
    seeds: set[int] = set()

    def act(number: int, body: Body) -> Answer:
        if struck(body):
            seeds.add(body["seed"])
            return Answer(well(body, content="").body) if len(seeds) == 1 else well(body)
        return well(body)

    return act


def slow_down(**headers: str) -> Make:
    """A 429 that asks for a wait in these words."""
    return lambda body: status(
        429, "Rate limit reached", headers={name.replace("_", "-"): v for name, v in headers.items()}
    )


def until(wait_s: float) -> Make:
    """A 429 that names the moment."""

    def make(body: Body) -> Answer:
        moment = datetime.now(UTC) + timedelta(seconds=wait_s)
        return status(429, "Rate limit reached", headers={"Retry-After": format_datetime(moment, usegmt=True)})

    return make


def choiceless(body: Body) -> Answer:
    """A completion without a choice."""
    return Answer(json.dumps({**json.loads(well(body).body), "choices": []}).encode())


def ended_by(reason: str) -> Make:
    """A good answer that bears this finish_reason."""

    def make(body: Body) -> Answer:
        said = json.loads(well(body).body)
        said["choices"][0]["finish_reason"] = reason
        return Answer(json.dumps(said).encode())

    return make


def only_reasoning(body: Body) -> Answer:
    """Nothing said, everything spent."""
    said = json.loads(well(body).body)
    said["choices"][0] |= {"finish_reason": "length", "message": {"role": "assistant", "content": ""}}
    said["usage"] |= {"completion_tokens": 400, "completion_tokens_details": {"reasoning_tokens": 400}}
    return Answer(json.dumps(said).encode())


def too_long(body: Body) -> Answer:
    """OpenAI's complaint about a long dialogue, which names a parameter without meaning it."""
    said = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (max_tokens)."
    return status(400, said, type="invalid_request_error", param="messages", code="context_length_exceeded")


def reasoner(body: Body) -> Answer:
    """An endpoint that takes neither max_tokens nor temperature."""
    for name in ("max_tokens", "temperature"):
        if name in body:
            said = f"Unsupported parameter: '{name}' is not supported with this model."
            return status(400, said, param=name, code="unsupported_parameter")
    return well(body)


def told(content: str) -> Make:
    """A good answer with this text behind it."""

    def make(body: Body) -> Answer:
        plain = json.loads(well(body).body)["choices"][0]["message"]["content"]
        return well(body, content=plain + content)

    return make


TORN = " A half \ud83d and a \0 nought."
BROKEN = told(TORN)
WIDE = told(" One line\u2028another\u2029a third.")
LONG = told(" word" * 400_000)
NO_KEY = status(401, f"Incorrect API key provided: {KEY}.", type="invalid_request_error", code="invalid_api_key")
HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
NO_MODEL = status(404, "The model `stub-1` does not exist", type="invalid_request_error", code="model_not_found")
NO_CREDIT = status(429, "You exceeded your current quota", type="insufficient_quota", code="insufficient_quota")
LIMITS = 'assistant = { endpoint = "main", max_tokens = 2000, temperature = 0.7 }'


def torn_json(body: Body) -> Answer:
    """The first half of the JSON."""
    whole = well(body).body
    return Answer(whole[: len(whole) // 2])


def reset(body: Body) -> Answer:
    """The connection goes in the middle of the body."""
    return cut(Answer(well(body).body), 60)
