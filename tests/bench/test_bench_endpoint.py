"""The endpoint of the measurements: that it is what the measurements take it for."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

ENDPOINT = Path(__file__).parents[2] / "bench" / "endpoint.py"


@contextmanager
def endpoint(*flags: str) -> Iterator[str]:
    command = [sys.executable, str(ENDPOINT), "--port", "0", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child.stdout.readline().strip()
        finally:
            child.terminate()


def ask(base_url: str, text: str, **more) -> dict:
    body = {"messages": [{"role": "user", "content": text}], **more}
    with urlopen(Request(f"{base_url}/chat/completions", json.dumps(body).encode())) as reply:
        return json.load(reply)


def page(base_url: str, path: str, body: bytes | None = None) -> dict:
    with urlopen(base_url.removesuffix("/v1") + path, body) as reply:
        return json.load(reply)


def test_no_two_answers_are_alike():
    with endpoint() as base_url:
        texts = [ask(base_url, "same")["choices"][0]["message"]["content"] for _ in range(50)]
    assert len(set(texts)) == 50
    assert {len(text.split()) for text in texts} == {68}


def test_by_hash_text_and_usage_depend_on_the_messages_alone_and_are_counted():
    with endpoint("--by-hash") as base_url:
        first, again = ask(base_url, "tides", seed=1), ask(base_url, "tides", seed=2, temperature=0.5)
        other = ask(base_url, "moons")
        seen = page(base_url, "/seen")
    assert first["choices"] == again["choices"] != other["choices"]
    assert first["usage"] == again["usage"]
    assert sorted(seen.values()) == [1, 2]


@pytest.mark.parametrize("kind", ["bucket", "sliding"])
def test_what_is_above_the_limit_is_refused_with_the_time_to_come_again(kind):
    with endpoint("--limit", kind, "--rpm", "2", "--burst", "2") as base_url:
        ask(base_url, "one")
        ask(base_url, "two")
        with pytest.raises(HTTPError) as refusal:
            ask(base_url, "three")
        stats = page(base_url, "/stats")
    assert refusal.value.code == 429
    assert 0 < int(refusal.value.headers["retry-after-ms"]) <= 60_000
    assert refusal.value.headers["x-ratelimit-limit-requests"] == "2"
    assert (stats["n200"], stats["n429"], stats["max_in_60s"]) == (2, 1, 2)


def test_settings_change_and_counters_fall_to_zero_while_it_runs():
    with endpoint() as base_url:
        ask(base_url, "one")
        page(base_url, "/config", b'{"tokens": 7}')
        assert page(base_url, "/stats")["n200"] == 0
        assert ask(base_url, "two")["usage"]["completion_tokens"] == 7
        page(base_url, "/reset", b"")
        assert page(base_url, "/stats")["n200"] == 0
