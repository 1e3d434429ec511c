"""Rows of a prompt and what follows it: which of it is learned, and what comes back of a dialogue."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.formats import prompt_completion
from dialogue.records import Dialogue, Message

TURNS: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "q"},
    {"role": "assistant", "content": "a"},
    {"role": "user", "content": "r"},
]


def of(prompt: object, completion: object, **more: Any) -> Dialogue:
    return prompt_completion.from_object({"prompt": prompt, "completion": completion, **more})


def spoken(dialogue: Dialogue) -> list[tuple[str, str, float | None]]:
    return [(one.role, one.content, one.weight) for one in dialogue.messages]


def test_texts_are_a_question_and_its_answer() -> None:
    assert spoken(of("Why?", "So.")) == [("user", "Why?", None), ("assistant", "So.", None)]
    assert of("Why?", "So.", id=7, topic="t").seed.extra == {"topic": "t"}


def test_the_space_that_old_completions_begin_with_is_none_of_the_answer() -> None:
    assert of("Why?", " So.").messages[1].content == "So."
    assert of("Code:", "    return 1").messages[1].content == "    return 1"
    assert of("q", [{"role": "assistant", "content": " a"}]).messages[1].content == " a"


def test_only_the_completion_is_learned() -> None:
    found = of(TURNS, [{"role": "assistant", "content": "b"}])
    assert spoken(found) == [
        ("system", "Be brief.", None),
        ("user", "q", None),
        ("assistant", "a", 0.0),
        ("user", "r", None),
        ("assistant", "b", None),
    ]


def test_a_prompt_may_be_labelled_turns() -> None:
    found = of("\n\nHuman: q\n\nAssistant: a\n\nHuman: r\n\nAssistant:", " b")
    assert spoken(found) == [
        ("user", "q", None),
        ("assistant", "a", 0.0),
        ("user", "r", None),
        ("assistant", "b", None),
    ]


def test_a_completion_may_call_a_tool_and_go_on() -> None:
    call = {"type": "function", "function": {"name": "sum", "arguments": "{}"}}
    answer = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "3", "tool_call_id": "1"},
        {"role": "assistant", "content": "Three.", "reasoning_content": "1 + 2"},
    ]
    found = of(TURNS[:2], answer)
    assert [one.role for one in found.messages] == ["system", "user", "assistant", "tool", "assistant"]
    assert (found.messages[2].tool_calls, found.messages[4].thoughts) == ([call], "1 + 2")
    (line,) = prompt_completion.to_line(found).splitlines()
    assert prompt_completion.from_object(orjson.loads(line)).messages == found.messages


@pytest.mark.parametrize(
    ("prompt", "completion", "more", "said"),
    [
        ("q", "", {}, "completion: is empty"),
        ([], "a", {}, "prompt: is empty"),
        (None, "a", {}, "prompt: null"),
        ("q", ["a"], {}, "completion.0"),
        (TURNS[:3], "b", {}, "ends within the assistant's turn"),
        ("q", [{"role": "user", "content": "r"}], {}, "completion: the assistant does not speak"),
        ("q", [{"role": "assistant", "content": "a", "mood": "glad"}], {}, "completion.0.mood: no field of a message"),
        ([{"role": "user", "content": [{"type": "image"}]}], "a", {}, r"prompt.0.content.0: a part of type 'image'"),
    ],
)
def test_what_is_no_prompt_with_a_completion_is_told(
    prompt: object, completion: object, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        of(prompt, completion, **more)


def test_a_wanted_answer_of_kto_and_a_response_are_read() -> None:
    assert of("q", "a", label=True).messages[1].content == "a"
    fields = {"prompt": "q", "response": "a"}
    assert prompt_completion.recognise(fields)
    assert prompt_completion.from_object(fields).seed.extra == {}


def test_an_answer_that_is_learned_has_a_line_of_its_own() -> None:
    roles = ("user", "assistant")
    messages = [Message(role=roles[place % 2], content=text) for place, text in enumerate("qarbsc")]
    messages[3] = messages[3].model_copy(update={"weight": 0.0})
    dialogue = Dialogue(id="x", messages=tuple(messages))
    found = [prompt_completion.from_object(orjson.loads(one)) for one in prompt_completion.to_line(dialogue).split()]
    assert [(one.id, len(one.messages)) for one in found] == [("x-1", 2), ("x", 6)]
    assert [one.weight for one in found[1].messages] == [None, 0.0, None, 0.0, None, None]
    assert "that answers are of one dialogue: a line for each" in prompt_completion.losses(dialogue)


def test_what_a_line_cannot_hold_is_told() -> None:
    greeting, question = Message(role="assistant", content="Hello."), Message(role="user", content="q")
    answer = Message(role="assistant", content="a", weight=0.5)
    with pytest.raises(ValueError, match="no answer in it that is learned has something before it"):
        prompt_completion.to_line(Dialogue(id="x", messages=(greeting, question)))
    dialogue = Dialogue(id="x", messages=(greeting, question, answer, question))
    told = prompt_completion.losses(dialogue)
    assert told[1:] == [
        "an answer with nothing before it, as one to learn",
        "what is said behind the last answer to learn",
    ]
    assert orjson.loads(prompt_completion.to_line(dialogue))["completion"] == [
        {"role": "assistant", "content": "a", "weight": 0.5}
    ]


def _learned(dialogue: Dialogue) -> list[tuple[Message, ...]]:
    """Each answer that is learned, with all before it, weights left out."""
    bare = [one.model_copy(update={"weight": None}) for one in dialogue.messages]
    ends = [n for n, one in enumerate(dialogue.messages) if one.role == "assistant" and one.weight != 0]
    return [tuple(bare[: end + 1]) for end in ends]


MESSAGES = st.builds(
    Message,
    role=st.sampled_from(["user", "assistant", "assistant", "tool", "system"]),
    content=st.text(max_size=5),
    thoughts=st.none() | st.text(min_size=1, max_size=3),
    weight=st.sampled_from([None, 0.0]),
)


@given(st.lists(MESSAGES, min_size=1, max_size=9))
def test_lines_teach_what_the_dialogue_teaches(messages: list[Message]) -> None:
    messages = [Message(role="user", content="first"), *messages]
    dialogue = Dialogue(id="x", messages=tuple(messages))
    wanted = _learned(dialogue)
    if not wanted:
        with pytest.raises(ValueError, match="no answer"):
            prompt_completion.to_line(dialogue)
        return
    lines = prompt_completion.to_line(dialogue).split(b"\n")[:-1]
    found = [prompt_completion.from_object(orjson.loads(line)) for line in lines]
    assert [one for line in found for one in _learned(line)] == wanted
    told = [message for line in lines for message in orjson.loads(line)["completion"]]
    assert all(message.get("weight") != 0 for message in told if message["role"] == "assistant")  # others learn all
    assert len({line.id for line in found}) == len(found)


def test_a_call_of_shared_dialogues_is_written_as_templates_know_calls() -> None:
    raw = '[{"name": "f", "arguments": {"x": 1}}, {"name": "g", "arguments": "{}"}]'
    calls = [{"raw": raw}, {"raw": 'Search("x")'}, {"function": {"name": "h", "arguments": {}}}]
    asked, called = Message(role="user", content="q"), Message(role="assistant", content="", tool_calls=calls)
    line = orjson.loads(prompt_completion.to_line(Dialogue(id="x", messages=(asked, called))))
    assert line["completion"][0]["tool_calls"] == [
        {"type": "function", "function": {"name": "f", "arguments": {"x": 1}}},
        {"type": "function", "function": {"name": "g", "arguments": "{}"}},
        *calls[1:],
    ]
