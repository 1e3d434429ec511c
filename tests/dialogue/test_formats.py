import re
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.errors import UsageError
from dialogue.formats import reading
from dialogue.reading import read
from dialogue.records import Dialogue, Message

FORMATS = [reading.named(name) for name in reading.names()]
TAGS = re.compile(r"<\||<eo|\[\|")
"""How control tags of moss and baize begin; texts that hold a whole one are refused (test_tagged_formats.py)."""
FIELDS = [
    *("id", "messages", "data", "conversations", "instruction", "input", "output", "response", "context", "history"),
    *("system", "question", "answers", "answer_0", "answer_1", "score_0", "score_1", "completions", "overall_score"),
    *("chosen", "rejected", "prompt", "candidates", "items", "role", "content", "from", "value", "weight", "text"),
    *("completion", "label", "conversation", "type", "reasoning_content", "tool_calls", "images", "train"),
    *("rationale", "answer", "target", "replies", "rank", "parent_id", "pm_score", "upvotes", "selected"),
    *("user", "bot", "topic", "chat", "num_turns", "meta_instruction", "turn_1", "Human", "MOSS", "qid", "seed"),
]
TEXT = st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: TAGS.search(text) is None)


def test_a_format_is_one_file() -> None:
    assert {"messages", "ultrachat", "sharegpt"} <= set(reading.names())


PLAIN = ("messages", "ultrachat", "sharegpt", "baize", "moss", "openchat")
"""These hold a dialogue whose last turn has no answer, and turns that say nothing."""
ONE = ("dolly", "pclue", "cot", "webgpt", "ultrafeedback", "stackexchange", "belle_chat")
SCORED = ("webgpt", "ultrafeedback", "stackexchange", "chosen_rejected")


def dialogue(name: str, texts: list[str]) -> Dialogue:
    """What the format can hold of the texts, spoken in turn."""
    roles = ("user", "assistant")
    messages = [Message(role=roles[place % 2], content=text) for place, text in enumerate(texts)]
    if name == "cot":
        messages[-1] = messages[-1].model_copy(update={"thoughts": "Step by step."})
    if name == "belle_chat":
        messages.insert(0, Message(role="system", content="Two friends meet."))
    if name == "prompt_completion":
        messages = [one if one.role == "user" else one.model_copy(update={"weight": 0.0}) for one in messages]
        messages[-1] = messages[-1].model_copy(update={"weight": None})
    if name in SCORED:
        pair = [{"content": messages[-1].content, "score": 2}, {"content": "another answer", "score": 1}]
        messages[-1] = messages[-1].model_copy(update={"candidates": pair})
    return Dialogue(id="x", messages=tuple(messages))


def comes_back(form: ModuleType, given: Dialogue, line: bytes) -> None:
    fields = orjson.loads(line.splitlines()[-1] if form.__name__.endswith("belle") else line)
    assert form.recognise(fields)
    if not getattr(form, "asked_only", False):
        assert [one.__name__ for one in reading.known() if one.recognise(fields)] == [form.__name__]
    found = form.from_object(fields)
    assert found.id == given.id
    assert found.messages == given.messages


@pytest.mark.parametrize("form", FORMATS, ids=reading.names())
@pytest.mark.parametrize("exchanges", [1, 3])
def test_what_a_format_is_made_for_goes_and_comes_back(form: ModuleType, exchanges: int) -> None:
    name = form.__name__.rpartition(".")[2]
    if (name in ONE and name != "belle_chat" and exchanges > 1) or (name == "guanaco" and exchanges == 1):
        with pytest.raises(ValueError, match="exchange"):
            form.to_line(dialogue(name, ["Why?", "So."] * exchanges))
        return
    given = dialogue(name, ["Why: is it so?\u2028Tell me.", "因为：so it is."] * exchanges)
    if name == "belle_chat":
        given = dialogue(name, ["Why is it so?\u2028Tell me.", "因为so it is."] * exchanges)
    comes_back(form, given, form.to_line(given))


@pytest.mark.parametrize("form", FORMATS, ids=reading.names())
@given(texts=st.lists(TEXT, min_size=1, max_size=6))
def test_turns_come_back_as_they_went_or_are_refused(form: ModuleType, texts: list[str]) -> None:
    name = form.__name__.rpartition(".")[2]
    given_ = dialogue(name, texts)
    try:
        line = form.to_line(given_)
    except ValueError:
        assert name not in PLAIN
        return
    comes_back(form, given_, line)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(-9, 9)
    | st.sampled_from(["", " ", "user", "Human:a\nAssistant:b", "### Human: a### Assistant: b", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("form", FORMATS, ids=reading.names())
@given(fields=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6))
def test_any_object_is_a_dialogue_or_a_value_error(form: ModuleType, fields: dict[str, Any]) -> None:
    form.recognise(fields)
    with suppress(ValueError):
        found = form.from_object(fields)
        assert found.messages
        form.losses(found)
        form.to_line(found)


def test_a_format_says_what_it_cannot_hold() -> None:
    messages = (Message(role="system", content="s"), Message(role="user", content="a", thoughts="t"))
    given_ = Dialogue(id="x", messages=messages)
    said = {form.__name__.rpartition(".")[2]: form.losses(given_) for form in FORMATS}
    assert said["messages"] == []
    assert "thoughts" in said["sharegpt"]
    assert "system and tool messages" in said["ultrachat"]


def test_weights_are_held_or_told() -> None:
    messages = (Message(role="user", content="q"), Message(role="assistant", content="a", weight=0.0))
    holding = {"messages", "openchat", "sharegpt", "prompt_completion"}
    for form in FORMATS:
        told = "weights of turns" in form.losses(Dialogue(id="x", messages=messages))
        assert told == (form.__name__.rpartition(".")[2] not in holding)


def test_ultrachat_refuses_turns_that_do_not_alternate() -> None:
    with pytest.raises(ValueError, match="no roles"):
        reading.named("ultrachat").to_line(Dialogue(id="x", messages=(Message(role="assistant", content="a"),)))


def test_an_array_file_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('[{"id": 7, "conversations": [{"from": "human", "value": "a"}]}]')
    assert [dialogue.id for dialogue in read(path)] == ["7"]


@pytest.mark.parametrize(
    "row", ['{"data": []}', '{"data": [1]}', '{"conversations": [{"from": "x", "value": ""}]}', '{"q": 1}']
)
def test_a_malformed_row_is_refused_with_its_place(tmp_path: Path, row: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"data": ["a"]}\n' + row + "\n")
    with pytest.raises(UsageError, match=r"x\.jsonl:2: "):
        list(read(path))


def test_an_unknown_format_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="ultrachat"):
        reading.named("ultrachatt")


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("formats/sharegpt_fastchat_500.json", 500),
        ("formats/sharegpt_tools_300.json", 300),
        ("formats/alpaca_en_100.json", 100),
        ("formats/alpaca_zh_100.json", 100),
        ("formats/preference_sharegpt_60.json", 60),
        ("formats/moss_sample.jsonl", 72),
        ("formats/baize_korean_96.json", 96),
        ("dialogues/ultrachat_700.jsonl", 700),
        ("dialogues/mt_bench_101.jsonl", 1388),
    ],
)
def test_real_files_are_read_whole(shared: Path, name: str, count: int) -> None:
    found = list(read(shared / "data" / name))
    assert len(found) == count
    assert all(dialogue.messages for dialogue in found)
