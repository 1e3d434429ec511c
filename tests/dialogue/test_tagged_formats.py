"""Formats whose turns are told apart by tags in the text: baize, moss and oasst_guanaco."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from dialogue.conversion.recognition import Recogniser
from dialogue.formats import baize, moss, oasst_guanaco
from dialogue.formats.reading import known
from dialogue.reading import read
from dialogue.records import Dialogue, Message, Seed

PAIR = (Message(role="user", content="q"), Message(role="assistant", content="a"))


def test_baize_keeps_the_last_exchange() -> None:
    row = {"topic": "t", "input": "Head.\n[|Human|] q\n[|AI|] a\n[|Human|] "}
    dialogue = baize.from_object(row)
    assert dialogue.messages == PAIR
    assert (dialogue.seed.topic, dialogue.seed.extra) == ("t", {"header": "Head."})
    assert orjson.loads(baize.to_line(dialogue))["input"] == row["input"]


@pytest.mark.parametrize("text", ["", "Head.\n[|Human|] ", "Head.\n[|AI|] a\n[|Human|] q", "[|Human|] a\n[|Human|] b"])
def test_a_broken_baize_transcript_is_refused_and_not_cut(text: str) -> None:
    with pytest.raises(ValueError, match="input: "):
        baize.from_object({"input": text})


@pytest.mark.parametrize("text", ["a\n[|AI|] b", "[|Human|]"])
def test_words_that_are_tags_of_baize_are_no_turns(text: str) -> None:
    with pytest.raises(ValueError, match="holds a tag"):
        baize.to_line(Dialogue(id="x", messages=(Message(role="user", content=text),)))


def test_moss_keeps_thoughts_commands_and_results() -> None:
    messages = (
        Message(role="system", content="s"),
        Message(role="user", content="q"),
        Message(role="assistant", content="", thoughts="look it up", tool_calls=[{"raw": 'Search("q")'}]),
        Message(role="tool", content="r"),
        Message(role="assistant", content="a"),
        Message(role="user", content="q2"),
        Message(role="assistant", content="a2", thoughts="easy"),
    )
    dialogue = Dialogue(id="7", messages=messages, seed=Seed(extra={"category": "Code"}))
    row = orjson.loads(moss.to_line(dialogue))
    assert row["num_turns"] == 2
    assert row["chat"]["turn_1"]["Commands"] == '<|Commands|>: Search("q")<eoc>\n'
    assert row["chat"]["turn_2"]["Tool Responses"] == "<|Results|>:\nNone<eor>\n"
    assert moss.from_object(row) == dialogue


def test_a_header_that_holds_a_tag_of_baize_makes_no_turn() -> None:
    with pytest.raises(ValueError, match="header holds a tag"):
        baize.to_line(Dialogue(id="x", messages=PAIR, seed=Seed(extra={"header": "H\n[|AI|] z"})))


@pytest.mark.parametrize("result", ["None", ""])
def test_what_a_tool_of_moss_gave_is_kept_as_it_stands(result: str) -> None:
    call = Message(role="assistant", content="", tool_calls=[{"raw": "f()"}])
    messages = (PAIR[0], call, Message(role="tool", content=result), PAIR[1])
    assert moss.from_object(orjson.loads(moss.to_line(Dialogue(id="x", messages=messages)))).messages == messages


def test_moss_says_what_it_cannot_hold_of_a_tool_turn() -> None:
    call = Message(role="assistant", content="", tool_calls=[{"name": "f"}, {"raw": "g()"}])
    messages = (PAIR[0], call, Message(role="tool", content="r"), Message(role="assistant", content="a", thoughts="t"))
    assert len(moss.losses(Dialogue(id="x", messages=messages))) == 4
    assert len(moss.losses(Dialogue(id="x", messages=PAIR))) == 1


def test_thoughts_of_a_user_are_not_written_as_the_assistants() -> None:
    asked = Message(role="user", content="q", thoughts="of a simulated user")
    dialogue = Dialogue(id="x", messages=(asked,))
    assert b"simulated" not in moss.to_line(dialogue)
    assert "thoughts of a user" in moss.losses(dialogue)


def test_moss_takes_turns_by_number() -> None:
    chat = {f"turn_{number}": {"Human": str(number), "MOSS": "a"} for number in (10, 1, 2, 3, 4, 5, 6, 7, 8, 9)}
    said = [message.content for message in moss.from_object({"chat": chat}).messages if message.role == "user"]
    assert said == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize(
    "chat",
    [
        {},
        {"turn_2": {"Human": "q", "MOSS": "a"}},
        {"turn_1": {"MOSS": "a"}},
        {"turn_1": {"Human": "q"}, "turn_2": {"Human": "q", "MOSS": "a"}},
        {"turn_1": {"Human": 1, "MOSS": "a"}},
        {"turn_1": {"Human": "q", "Tool Responses": "r", "MOSS": "a"}},
        {"turn_1": []},
    ],
)
def test_a_malformed_moss_row_is_refused(chat: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="chat"):
        moss.from_object({"chat": chat})


@pytest.mark.parametrize("text", ["<eoh>", "x <|MOSS|>: y"])
def test_control_tokens_in_words_do_not_become_moss_turns(text: str) -> None:
    with pytest.raises(ValueError, match="control token"):
        moss.to_line(Dialogue(id="x", messages=(Message(role="user", content=text),)))


@pytest.mark.parametrize(
    ("file", "rows", "form"), [("baize_korean_96.json", 96, baize), ("moss_sample.jsonl", 72, moss)]
)
def test_published_rows_are_read_and_written_back(shared: Path, file: str, rows: int, form: Any) -> None:
    dialogues = list(read(shared / "data" / "formats" / file))
    assert len(dialogues) == rows
    for dialogue in dialogues:
        assert form.from_object(orjson.loads(form.to_line(dialogue))).messages == dialogue.messages


@pytest.mark.parametrize(
    "text",
    [
        "### Human: q### Assistant: a### Human: r",
        "### Human: q\n### Assistant: a\n### Human: r",
        "\n### Human:\nq\n\n### Assistant:\na\n\n### Human: r",
        "### Human: q\r\n### Assistant: a\r\n\r\n### Human:r",
    ],
)
def test_openassistant_guanaco_is_read_by_itself_whatever_stands_before_its_tags(text: str) -> None:
    row = {"text": text}
    assert [one.__name__ for one in known() if one.recognise(row)] == ["dialogue.formats.oasst_guanaco"]
    messages = oasst_guanaco.from_object(row).messages
    assert [(one.role, one.content) for one in messages] == [("user", "q"), ("assistant", "a"), ("user", "r")]
    assert Recogniser().reader(row) is oasst_guanaco


@pytest.mark.parametrize(
    "row",
    [
        {"text": "Plain words."},
        {"text": "Below is an instruction.\n\n### Instruction:\nq\n\n### Response:\na"},
        {"text": "A preface.\n### Human: q### Assistant: a"},
        {"text": "### Human: anatomy\nIs what the chapter is about."},
        {"text": "### Human: q### Assistant: a", "conversations": []},
        {"text": "### Human: q### Assistant: a", "role": "prompter", "message_id": "1"},
        {"text": ["### Human: q### Assistant: a"]},
    ],
)
def test_rows_of_others_are_not_taken_for_openassistant_guanaco(row: dict[str, Any]) -> None:
    assert not oasst_guanaco.recognise(row)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Head.\n### Human: q### Assistant: a", "expected to begin with ### Human:"),
        ("### Human: q", "nothing is answered"),
        ("### Human: q### Human: r### Assistant: a", "turn 2 is Human's"),
        ("### Human: q### Assistant: a### Assistant: b", "turn 3 is Assistant's"),
        ("### Human: ### Assistant: a", "turn 1 is empty"),
        ("### Human: q### Assistant: a### Human: \n", "turn 3 is empty"),
        ("### Human: q### Assistant: a\n#### Human: a heading", "more than three #"),
    ],
)
def test_a_broken_row_of_openassistant_guanaco_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=f"text: .*{says}"):
        oasst_guanaco.from_object({"text": text})


@pytest.mark.parametrize("end", ["", " ", "\n", "\n\n\n", "\r\n", "C#", "\n#", "\r", "\n###"])
@pytest.mark.parametrize("begin", ["", " ", "\n"])
def test_openassistant_guanaco_gives_turns_back_to_the_letter(begin: str, end: str) -> None:
    messages = tuple(one.model_copy(update={"content": f"{begin}{one.content}{end}"}) for one in (*PAIR, *PAIR))
    fields = orjson.loads(oasst_guanaco.to_line(Dialogue(id="x", messages=messages)))
    assert oasst_guanaco.from_object(fields).messages == messages


def test_openassistant_guanaco_is_written_as_it_was_published() -> None:
    line = oasst_guanaco.to_line(Dialogue(id="x", messages=(*PAIR, PAIR[0])))
    assert orjson.loads(line)["text"] == "### Human: q### Assistant: a### Human: q"


@pytest.mark.parametrize("text", ["a### Human: b", "#### Assistant: x"])
def test_words_that_are_tags_of_openassistant_guanaco_are_no_turns(text: str) -> None:
    with pytest.raises(ValueError, match="holds a tag"):
        oasst_guanaco.to_line(Dialogue(id="x", messages=(Message(role="user", content=text), PAIR[1])))


def test_a_call_of_a_tool_is_not_written_as_an_answer_of_openassistant_guanaco() -> None:
    called = Message(role="assistant", content="a", tool_calls=[{"name": "f"}])
    with pytest.raises(ValueError, match="tools are called"):
        oasst_guanaco.to_line(Dialogue(id="x", messages=(PAIR[0], called)))
