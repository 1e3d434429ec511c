"""Requests that no server should take: each is wrong in at least one place."""

import json
import random
from typing import Any

GOOD: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
ODD: list[Any] = [{}, [], "", "x", -1, 1.5, True, 10**25, [[]], {"a": 1}, "\u0000", [1], "1e999"]
FIELDS: dict[str, list[Any]] = {
    "messages": [{}, [], "", "x", -1, True, [[]], [1], [{}], [{"role": "user"}], [{"role": "user", "content": {}}]],
    "n": [0, -1, 1.5, "1", [], {}, 129, 10**25, True],
    "temperature": [-1, "x", [], {}, 101, True, "0"],
    "top_p": [0, -1, 1.1, "x", [], {}],
    "top_k": [-2, 1.5, "x", [], {}, 10**25],
    "repetition_penalty": [0, -1, "x", [], {}],
    "presence_penalty": [-3, 3, "x", [], {}],
    "frequency_penalty": [-3, 3, "x", [], {}],
    "max_tokens": [0, -1, 1.5, "x", [], {}, 10**12, 10**25],
    "max_completion_tokens": [0, -1, 1.5, "x", [], {}, 10**12],
    "stop": ["", 1, {}, [""], [1], [[]], ["x"] * 17],
    "stop_token_ids": ["x", 1, {}, ["x"], [1.5]],
    "seed": ["x", 1.5, [], {}, 10**25],
    "logprobs": ["x", 1, [], {}],
    "top_logprobs": [-1, 21, "x", [], 1],
    "stream": ["x", 1, [], {}],
    "stream_options": ["x", 1, [], {"x": 1}, {"include_usage": 1}],
    "tools": ["x", 1, [1], {"a": 1}],
    "response_format": ["x", 1, {"type": "json_object"}],
    "model": [1, [], {}, "another"],
    "metadatas": ODD,
    "": ODD,
}
PATHS = [
    "/",
    "/v1",
    "/v1/completions",
    "/v1/models/other",
    "/../etc/passwd",
    "/v1/chat",
    "/%00",
    "/v1/chat/completions/",
]
JSON = {"Content-Type": "application/json"}


def malformed(draw: random.Random) -> tuple[str, str, dict[str, str], bytes]:
    """Method, path, headers and body of one."""
    chat, good = "/v1/chat/completions", json.dumps(GOOD).encode()
    kind = draw.randrange(10)
    if kind == 0:
        return draw.choice(["GET", "PUT", "DELETE", "PATCH"]), chat, JSON, good
    if kind == 1:
        return draw.choice(["GET", "POST"]), draw.choice(PATHS), JSON, good
    if kind == 2:
        return (
            "POST",
            chat,
            {"Content-Type": draw.choice(["text/plain", "application/xml", "multipart/form-data"])},
            good,
        )
    if kind == 3:
        cut = draw.randrange(len(good))
        return "POST", chat, JSON, good[:cut]
    if kind == 4:
        return "POST", chat, JSON, draw.randbytes(draw.randrange(1, 200))
    if kind == 5:
        whole = draw.choice([None, 1, "x", [], [GOOD], True, [[[[]]]]])
        return "POST", chat, JSON, json.dumps(whole).encode()
    if kind == 6:
        deep = draw.choice([b"[" * 5000, b'{"messages":' * 3000, b'"\\ud800"', b"NaN", b'{"messages": Infinity}'])
        return "POST", chat, JSON, deep
    field = draw.choice(list(FIELDS))
    return "POST", chat, JSON, json.dumps({**GOOD, field: draw.choice(FIELDS[field])}).encode()
