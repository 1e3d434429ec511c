from typing import Any

import orjson
import pytest
from faulty import completion as made
from hypothesis import given
from hypothesis import strategies as st

from dialogue.errors import ReplyFailed
from dialogue.records import Usage
from dialogue.thinking import split_thoughts
from generator.client.replies import Completion, completion, payload, usage_of
from generator.client.retry import Again


def read(content: Any = "ok", **fields: Any) -> Completion:
    found = payload(orjson.dumps(made(content, **fields)), repr)
    return completion(found, usage_of(found), "text", lambda: "quoted")


@pytest.mark.parametrize(
    ("text", "thoughts", "said"),
    [
        ("<think>\nfirst this\n</think>\n\nAnswer", "first this", "Answer"),
        ("\n <thinking>a</thinking>Answer", "a", "Answer"),
        ("<think></think>\n\nAnswer", None, "Answer"),
        ("so, first this\n</think>\n\nAnswer", "so, first this", "Answer"),
        ("Use <think>x</think> in the prompt", None, "Use <think>x</think> in the prompt"),
        ("The tag </think> ends it", None, "The tag </think> ends it"),
        ("I think so", None, "I think so"),
    ],
)
def test_thoughts_written_into_the_answer_are_taken_out_of_it(text: str, thoughts: str | None, said: str) -> None:
    found = read(text)
    assert (found.thoughts, found.content) == (thoughts, said)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_beside_the_answer_is_its_thoughts(field: str) -> None:
    found = read("Answer", **{field: "because"})
    assert (found.thoughts, found.content) == ("because", "Answer")


def test_a_list_of_parts_is_joined_and_its_thinking_kept_apart() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "Ans"},
        {"type": "text", "text": "wer"},
        {"type": "image_url", "image_url": {}},
        "stray",
    ]
    found = read(parts)
    assert (found.thoughts, found.content) == ("hm", "Answer")


@pytest.mark.parametrize(
    "fields",
    [
        {"content": "<think>and so on"},
        {"content": "<thinking>done</thinking>  "},
        {"content": None, "reasoning_content": "because"},
        {"content": None, "finish_reason": "length", "usage": {"completion_tokens_details": {"reasoning_tokens": 9}}},
    ],
)
def test_thoughts_without_an_answer_are_reasoning_only(fields: dict[str, Any]) -> None:
    with pytest.raises(ReplyFailed) as caught:
        read(**fields)
    assert caught.value.reason == "reasoning_only"


def test_a_refusal_of_the_models_is_an_answer_marked_as_one() -> None:
    found = read(None, refusal="I cannot help with that.")
    assert (found.content, found.refused) == ("I cannot help with that.", True)
    assert not read("Sure.", refusal=None).refused


@pytest.mark.parametrize("broken", [{}, {"choices": None}, {"choices": [None]}, {"choices": [{}]}, {"choices": {}}])
def test_an_object_without_a_message_may_be_tried_again(broken: dict[str, Any]) -> None:
    with pytest.raises(Again, match="no choices in quoted"):
        completion(broken, Usage(), "text", lambda: "quoted")


def test_usage_that_is_missing_is_none_and_not_zero() -> None:
    assert usage_of({}) == Usage(requests=1)
    assert usage_of({"usage": {"prompt_tokens": 0, "completion_tokens": "7"}}) == Usage(requests=1, prompt_tokens=0)


def test_usage_keeps_cached_and_reasoning_tokens() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 8,
        "prompt_tokens_details": {"cached_tokens": 6},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    kept = Usage(requests=1, prompt_tokens=10, completion_tokens=8, cached_tokens=6, reasoning_tokens=5)
    assert usage_of({"usage": usage}) == kept
    deepseek = {"prompt_tokens": 10, "completion_tokens": 8, "prompt_cache_hit_tokens": 4}
    assert usage_of({"usage": deepseek}).cached_tokens == 4


def test_invalid_utf8_and_lone_surrogates_become_replacement_characters() -> None:
    body = b'{"model": "m\\ud83d", "choices": [{"message": {"content": "a\xffb\\udc00c"}}]}'
    found = payload(body, repr)
    said = completion(found, usage_of(found), "text", str)
    assert (said.content, said.model) == ("a\ufffdb\ufffdc", "m\ufffd")


@given(st.binary())
def test_any_bytes_are_an_object_or_may_be_tried_again(body: bytes) -> None:
    try:
        found = payload(body, repr)
    except Again:
        return
    assert isinstance(found, dict)


FIELDS = st.sampled_from(["content", "type", "text", "refusal", "reasoning", "prompt_tokens", "thinking"])
JSON = st.recursive(
    st.none() | st.text(max_size=9) | st.integers() | st.booleans(),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(FIELDS, part, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_any_json_is_an_answer_or_a_known_failure(value: Any) -> None:
    found = {"choices": [{"message": value}], "usage": value, "model": value}
    try:
        said = completion(found, usage_of(found), "text", str)
    except (Again, ReplyFailed):
        return
    said.content.encode()
    assert said.content.strip()
    assert "\0" not in said.content


@given(st.text(), st.text())
def test_a_closed_thought_loses_nothing(thoughts: str, said: str) -> None:
    if "think" in thoughts or "think" in said:
        return
    assert split_thoughts(f"<think>{thoughts}</think>{said}") == (thoughts.strip(), said.lstrip())
