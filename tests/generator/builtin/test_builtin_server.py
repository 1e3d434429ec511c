"""Bodies in, bodies out: what an HTTP server would answer, whatever it is sent."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.builtin.server import Server, language_of, tokens

SERVER = Server(1, 0.0, 0.0)


def ask(request: object, server: Server = SERVER) -> tuple[int, Any]:
    status, body = server.respond(orjson.dumps(request))
    return status, orjson.loads(body)


def said(text: str, **fields: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], **fields}


def content(request: object, server: Server = SERVER) -> str:
    status, answer = ask(request, server)
    assert status == 200, answer
    text: str = answer["choices"][0]["message"]["content"]
    return text


def test_an_answer_has_the_shape_of_a_chat_completion() -> None:
    status, answer = ask(said("Why do rivers bend?", model="whatever"))
    usage = answer["usage"]
    assert status == 200
    assert (answer["object"], answer["model"]) == ("chat.completion", "builtin")
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["system_fingerprint"] == ask(said("x"))[1]["system_fingerprint"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == 0


def test_the_same_seed_and_request_give_the_same_bytes_in_a_server_built_anew() -> None:
    bodies = [orjson.dumps(said(f"Tell me about rivers, part {part}", seed=part)) for part in range(50)]
    first, second = ([Server(3, 0.1, 1.0).respond(body) for body in bodies] for _ in range(2))
    assert first == second
    assert [Server(4, 0.1, 1.0).respond(body) for body in bodies] != first


def test_the_requests_own_seed_changes_the_answer_and_the_model_name_does_not() -> None:
    assert content(said("Why do rivers bend?", seed=1)) != content(said("Why do rivers bend?", seed=2))
    assert content(said("Why do rivers bend?", model="a")) == content(said("Why do rivers bend?", model="b"))


def test_sums_are_right_or_wrong_as_the_share_says() -> None:
    assert "391" in content(said("what is 17 * 23?"))
    wrong = Server(1, 1.0, 0.0)
    assert not any("391" in content(said("what is 17 * 23?", seed=seed), wrong) for seed in range(20))
    some = Server(1, 0.1, 0.0)
    misses = sum("391" not in content(said("what is 17 * 23?", seed=seed), some) for seed in range(1000))
    assert 60 <= misses <= 140


def test_a_small_max_tokens_cuts_the_answer_and_says_so() -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        _, answer = ask(said("Why do rivers bend?", **{name: 5}))
        assert answer["choices"][0]["finish_reason"] == "length"
        assert answer["usage"]["completion_tokens"] == 5
        assert len(answer["choices"][0]["message"]["content"]) < 40


def test_a_long_prompt_counts_as_cached_but_for_its_last_message() -> None:
    long = [{"role": "system", "content": "word " * 1500}, {"role": "user", "content": "Why do rivers bend?"}]
    usage = ask({"messages": long})[1]["usage"]
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    assert usage["prompt_tokens"] > 1500
    assert cached % 128 == 0
    assert usage["prompt_tokens"] - 160 < cached < usage["prompt_tokens"]


@pytest.mark.parametrize(
    "request_",
    [
        [],
        None,
        {},
        {"messages": []},
        {"messages": "hello"},
        {"messages": ["hello"]},
        {"messages": [{"role": "wizard", "content": "x"}]},
        {"messages": [{"role": "user", "content": 7}]},
        said("x", n=10**9),
        said("x", stream=True),
        said("x", max_tokens=0),
        said("x", max_tokens="many"),
    ],
)
def test_a_request_of_a_wrong_shape_is_refused_with_400(request_: object) -> None:
    status, answer = ask(request_)
    assert status == 400
    assert answer["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"messages": "\\ud800"}'])
def test_a_body_that_is_not_json_is_refused_with_400(body: bytes) -> None:
    assert SERVER.respond(body)[0] == 400


@pytest.mark.parametrize(
    "text", ["", "\x00", "a\u2028b", "為什麼河流會轉彎？", "🙂" * 9, "x" * 100_000, "[]{}⟦⟧", "\n* * *\n"]
)
def test_odd_texts_are_answered(text: str) -> None:
    assert content(said(text))


def test_content_in_parts_is_read_and_null_content_stands_for_nothing() -> None:
    parts = [{"type": "text", "text": "what is "}, {"type": "image_url"}, {"type": "text", "text": "2 + 3?"}]
    assert "5" in content({"messages": [{"role": "user", "content": parts}]})
    assert content({"messages": [{"role": "assistant", "content": None}, {"role": "user", "content": "Why?"}]})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["messages", "n", "seed", "max_tokens", "stream", "response_format", "temperature"]
messages = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant", "odd"]), "content": json_values}),
    max_size=4,
)


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(NAMES), json_values), messages)
def test_any_json_is_answered_or_refused_never_a_crash(fields: dict[str, Any], turns: list[dict[str, Any]]) -> None:
    for request in (fields, {**fields, "messages": turns}):
        status, answer = ask(request)
        assert ("choices" in answer) == (status == 200)
        assert status in (200, 400)


def test_tokens_grow_with_words_and_with_chinese_characters() -> None:
    assert tokens("") == 1
    assert tokens("one two three") == 3
    assert tokens("internationalisation") == 5
    assert 6 <= tokens("河流為什麼轉彎") <= 9


def test_the_language_of_a_question_shows_in_its_letters() -> None:
    assert [language_of(text) for text in ("Why?", "河流为什么转弯", "為什麼河流會轉彎", "naïve")] == [
        "en",
        "zh",
        "zh-TW",
        "en",
    ]


def test_a_passage_with_the_line_above_a_turn_note_is_answered_as_any_other() -> None:
    first = content(said("Shorten this.\n\nIt rained for days.\n* * *\nThen the river rose, and nobody slept."))
    assert len(first.split()) >= 20
