"""Messages as OpenAI, TRL, Axolotl and servers spell them, and rows that are no dialogues."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from dialogue.conversion.convert import Conversion, convert
from dialogue.errors import UsageError
from dialogue.formats import chosen_rejected, messages, sharegpt
from dialogue.reading import read
from dialogue.records import Dialogue, Message, encode

QUESTION = {"role": "user", "content": "q"}


def of(*spoken: dict[str, Any], **more: Any) -> Dialogue:
    return messages.from_object({"messages": [QUESTION, *spoken], **more})


def last(**fields: Any) -> Message:
    return of({"role": "assistant", **fields}).messages[-1]


def test_text_parts_are_joined_as_servers_join_them() -> None:
    parts = [{"type": "text", "text": "Say "}, {"type": "text", "text": "it.", "image": None}, "", {"text": " Now."}]
    assert last(content=parts).content == "Say it. Now."
    assert last(content=[{"type": "output_text", "text": "a"}, {"type": "input_text", "text": "b"}]).content == "ab"
    assert last(content=[]).content == ""


@pytest.mark.parametrize("kind", ["image_url", "input_audio", "image", "refusal", "video"])
def test_a_part_that_is_no_text_is_named_with_its_place(kind: str) -> None:
    with pytest.raises(ValueError, match=rf"messages\.1\.content\.1: a part of type '{kind}'; only texts are held"):
        last(content=[{"type": "text", "text": "a"}, {"type": kind}])


def test_parts_of_no_kind_are_told() -> None:
    with pytest.raises(ValueError, match=r"messages\.1\.content\.0: a number, expected a part of type text"):
        last(content=[1])
    with pytest.raises(ValueError, match=r"messages\.1\.content\.0\.text: null, expected a text"):
        last(content=[{"type": "text"}])


def test_an_assistant_that_only_calls_tools_says_nothing() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    for content in ({"content": None}, {}):
        found = last(tool_calls=[call], refusal=None, annotations=[], **content)
        assert (found.content, found.tool_calls) == ("", [call])
    with pytest.raises(ValueError, match=r"messages\.1\.content: Input should be a valid string \(got null\)$"):
        last(content=None)


def test_a_list_in_a_message_s_place_is_told_in_words_of_the_file() -> None:
    with pytest.raises(ValueError, match=r"messages\.0: Input should be a valid dictionary \(got \""):
        messages.from_object({"messages": [[QUESTION]]})


def test_older_and_other_names_are_ours() -> None:
    found = of(
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "3"},
        {"role": "assistant", "content": "Three.", "reasoning_content": "1 + 2"},
    )
    assert [one.role for one in found.messages] == ["user", "assistant", "tool", "assistant"]
    assert found.messages[1].tool_calls == [{"type": "function", "function": {"name": "f", "arguments": "{}"}}]
    assert found.messages[3].thoughts == "1 + 2"
    developer = messages.from_object({"messages": [{"role": "developer", "content": "s"}, QUESTION]})
    assert developer.messages[0].role == "system"
    assert last(content="a", reasoning="r", reasoning_content="r").thoughts == "r"
    assert last(content="a", thinking=None).thoughts is None


def test_what_is_not_to_be_learned_has_no_weight() -> None:
    assert last(content="a", weight=0).weight == 0.0
    assert last(content="a", train=False).weight == 0.0
    assert last(content="a", training=True).weight == 1.0
    assert last(content="a", weight=0, train=True).weight == 0.0


def test_other_fields_of_messages_are_kept_beside_those_of_the_row() -> None:
    found = of({"role": "assistant", "content": "a", "toxic": False}, source="s")
    assert found.seed.extra == {"source": "s", "message_fields": [{}, {"toxic": False}]}
    assert of({"role": "assistant", "content": "a"}).seed.extra == {}


@pytest.mark.parametrize("words", ["Be brief.", [{"type": "text", "text": "Be brief."}]])
def test_a_system_column_is_the_first_message(words: object) -> None:
    found = of({"role": "assistant", "content": "a", "mood": "glad"}, system=words, source="s")
    assert [(one.role, one.content) for one in found.messages] == [
        ("system", "Be brief."),
        ("user", "q"),
        ("assistant", "a"),
    ]
    assert found.seed.extra == {"source": "s", "message_fields": [{}, {}, {"mood": "glad"}]}


def test_a_system_column_beside_a_system_message_is_a_column() -> None:
    spoken = [{"role": "developer", "content": "s"}, QUESTION]
    found = messages.from_object({"messages": spoken, "system": "t"})
    assert ([one.role for one in found.messages], found.seed.extra) == (["system", "user"], {"system": "t"})
    assert [one.role for one in of(system="").messages] == ["user"]
    with pytest.raises(ValueError, match=r"system\.0: a part of type 'image'"):
        of(system=[{"type": "image"}])
    with pytest.raises(ValueError, match="messages: empty"):
        messages.from_object({"messages": [], "system": "s"})


def test_a_conversation_of_roles_is_read_alike() -> None:
    spoken = [QUESTION, {"role": "assistant", "content": "a", "turn_identifier": 1}]
    fields = {"conversation": spoken, "model": "m"}
    assert messages.recognise(fields)
    assert [one.content for one in messages.from_object(fields).messages] == ["q", "a"]
    assert not messages.recognise({"conversation": [{"input": "q", "output": "a"}]})


def test_parts_that_are_thoughts_are_the_answers() -> None:
    parts = [{"type": "thinking", "thinking": "1 + 2", "signature": "x"}, {"type": "text", "text": "Three."}]
    found = last(content=parts)
    assert (found.content, found.thoughts) == ("Three.", "1 + 2")
    nested = [{"type": "thinking", "thinking": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
    assert last(content=nested).thoughts == "ab"
    with pytest.raises(ValueError, match=r"messages\.0\.content\.0: a part of type 'thinking'"):
        messages.from_object({"messages": [{"role": "user", "content": parts}]})


def test_thoughts_of_compared_answers_are_kept() -> None:
    fields = {
        "prompt": "q",
        "chosen": [{"role": "assistant", "content": "a", "reasoning_content": "t"}],
        "rejected": [{"role": "assistant", "content": "b", "reasoning_content": "u"}],
    }
    answer = chosen_rejected.from_object(fields).messages[-1]
    assert (answer.content, answer.thoughts) == ("a", "t")
    assert answer.candidates == [{"content": "a", "thoughts": "t"}, {"content": "b", "thoughts": "u"}]


def test_preferences_of_fine_tuning_are_pairs(tmp_path: Path) -> None:
    asked = {"messages": [QUESTION], "tools": [{"type": "function"}], "parallel_tool_calls": True}
    spoken = [[{"role": "assistant", "content": [{"type": "text", "text": text}]}] for text in ("good", "bad")]
    row = {"input": asked, "preferred_output": spoken[0], "non_preferred_output": spoken[1]}
    (tmp_path / "in.jsonl").write_bytes(orjson.dumps(row))
    (found,) = read(tmp_path / "in.jsonl")
    assert [one.content for one in found.messages] == ["q", "good"]
    assert found.messages[-1].candidates == [{"content": "good"}, {"content": "bad"}]
    assert found.seed.extra == {"tools": asked["tools"], "parallel_tool_calls": True}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"input": "q"}, "input: a text, expected an object with messages"),
        ({"input": {"messages": []}}, "prompt: is empty"),
        ({"preferred_output": []}, "chosen: is empty"),
        ({"non_preferred_output": None}, "rejected: null"),
        ({"preferred_output": [QUESTION]}, "expected to end with the assistant's turn"),
    ],
)
def test_preferences_that_are_none_are_told(fields: dict[str, Any], said: str) -> None:
    told = [{"role": "assistant", "content": "a"}]
    row = {"input": {"messages": [QUESTION]}, "preferred_output": told, "non_preferred_output": told}
    with pytest.raises(ValueError, match=said):
        chosen_rejected.from_object({**row, **fields})


def test_roles_are_ours_whatever_they_are_called() -> None:
    names = ["human", "gpt", "model", "bot", "ai", "developer", "function"]
    found = messages.from_object({"messages": [{"role": name, "content": "x"} for name in names]})
    assert [one.role for one in found.messages] == ["user", *["assistant"] * 4, "system", "tool"]
    with pytest.raises(ValueError, match=r"messages\.0\.role: .*'narrator'"):
        messages.from_object({"messages": [{"role": "narrator", "content": "x"}]})


def test_conversations_of_role_and_content_lose_nothing() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    spoken = [
        {"role": "human", "content": [{"type": "text", "text": "q"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "gpt", "content": "a", "reasoning_content": "t", "mood": "glad"},
    ]
    found = sharegpt.from_object({"conversations": spoken, "system": "s", "source": "x"})
    assert [(one.role, one.content) for one in found.messages] == [
        ("system", "s"),
        ("user", "q"),
        ("assistant", ""),
        ("assistant", "a"),
    ]
    assert (found.messages[2].tool_calls, found.messages[3].thoughts) == ([call], "t")
    assert found.seed.extra == {"source": "x", "message_fields": [{}, {}, {"mood": "glad"}]}
    with pytest.raises(ValueError, match=r"conversations\.0\.content"):
        sharegpt.from_object({"conversations": [{"role": "user", "content": 1}]})


def test_weights_of_shared_dialogues_come_back() -> None:
    turns = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a", "weight": 0}, {"from": "gpt", "value": "b"}]
    found = sharegpt.from_object({"id": "x", "conversations": turns})
    assert [one.weight for one in found.messages] == [None, 0, None]
    assert orjson.loads(sharegpt.to_line(found))["conversations"] == turns


@pytest.mark.parametrize(
    ("more", "weight"),
    [({"weight": "0"}, 0), ({"weight": "0.5"}, 0.5), ({"weight": False}, 0), ({"train": False}, 0), ({}, None)],
)
def test_a_shared_turn_is_weighed_as_a_message_is(more: dict[str, Any], weight: float | None) -> None:
    turns = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a", **more}]
    assert sharegpt.from_object({"conversations": turns}).messages[1].weight == weight
    assert last(content="a", **more).weight == weight


def test_a_weight_that_is_no_number_is_refused() -> None:
    turns = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a", "weight": "much"}]
    with pytest.raises(ValueError, match=r"conversations\.2\.weight: 'much', expected a number"):
        sharegpt.from_object({"conversations": turns})


def test_parts_of_an_answer_that_are_not_to_be_learned_are_no_whole_answer() -> None:
    for name in ("train_detail", "training_detail"):
        parts = [{"begin_offset": 0, "end_offset": 0, "train": False}, {"begin_offset": 1, "end_offset": 2}]
        with pytest.raises(ValueError, match=rf"messages\.1\.{name}: .*train: false"):
            last(content="abc", **{name: parts})
        with pytest.raises(ValueError, match=rf"conversations\.1\.{name}: "):
            sharegpt.from_object({"conversations": [{"from": "gpt", "value": "abc", name: parts}]})
        assert last(content="abc", **{name: parts[1:]}).content == "abc"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "Once upon a time.", "id": 1, "meta": {"a": 1}}, "a text without roles, as of pretraining"),
        ({"prompt": "q", "completion": None, "id": 1}, "a prompt without an answer"),
        ({"prompt": "q", "completion": "a", "label": False}, "label: false, an answer that is not wanted"),
        ({"prompt": "q", "completion": "a", "label": "False"}, "label: false, an answer that is not wanted"),
        ({"messages": [QUESTION], "label": False}, "label: false, an answer that is not wanted"),
        ({"instruction": "q", "output": "a", "kto_tag": False}, "kto_tag: false, an answer that is not wanted"),
        ({"prompt": "q"}, "a prompt without an answer: `gen chat MODEL --prompts`"),
        ({"segments": [{"label": True, "text": "a"}]}, "segments: Axolotl's texts without roles"),
        ({"messages": '[{"role": "user"}]', "id": "1"}, "messages: a text, expected a list of messages"),
        ({"conversations": None}, "conversations: null, expected a list of turns"),
        ({"prompt": QUESTION, "completion": {}}, "prompt: an object, expected a text or a list of messages"),
        ({"input_ids": [1], "labels": [1]}, "input_ids: tokens already"),
        ({"prompt": "q", "completions": ["a"], "labels": [True]}, "completions: answers step by step"),
        (
            {"messages": [{"role": "user", "content": "<image>q"}], "images": "a.png"},
            "images: only texts are held, and",
        ),
        ({"messages": [QUESTION], "images": ["a.png"]}, "images: only texts are held"),
        ({"conversations": [{"from": "human", "value": "<image>\nq"}], "image": "a.png"}, "the words hold its mark"),
        ({"text": "q", "reply": "a"}, r"no dialogue of any known format \(fields: text, reply\); for other fields"),
    ],
)
def test_rows_that_are_no_dialogues_say_what_they_are(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(encode(Dialogue(id="x", messages=(Message(role="user", content="q"),))) + orjson.dumps(row))
    with pytest.raises(UsageError, match=rf"in\.jsonl:2: .*{said}"):
        list(read(path))
    report = convert(Conversion(inputs=(path,), out=tmp_path / "out.jsonl"))
    assert (report.dropped, list(report.written.values())) == (1, [1])


def test_a_picture_that_nobody_speaks_of_is_a_field_like_others(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(orjson.dumps({"messages": [QUESTION], "image": "cover.png", "images": []}))
    assert next(iter(read(tmp_path / "in.jsonl"))).seed.extra == {"image": "cover.png", "images": []}
