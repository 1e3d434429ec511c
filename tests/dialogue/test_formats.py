import re
from pathlib import Path
from types import ModuleType

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.errors import UsageError
from dialogue.formats import reading
from dialogue.records import Dialogue, Message

FORMATS = [reading.named(name) for name in reading.names()]
TAGS = re.compile(r"<\||<eo|\[\|")
"""How control tags of moss and baize begin; texts that hold a whole one are refused (test_tagged_formats.py)."""
TEXT = st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: TAGS.search(text) is None)


def test_a_format_is_one_file() -> None:
    assert {"messages", "ultrachat", "sharegpt"} <= set(reading.names())


@pytest.mark.parametrize("form", FORMATS, ids=reading.names())
@given(texts=st.lists(TEXT, min_size=1, max_size=6))
def test_turns_come_back_as_they_went(form: ModuleType, texts: list[str]) -> None:
    roles = ("user", "assistant")
    messages = tuple(Message(role=roles[place % 2], content=text) for place, text in enumerate(texts))
    line = form.to_line(Dialogue(id="x", messages=messages))
    fields = orjson.loads(line)
    assert form.recognise(fields)
    assert [one.__name__ for one in FORMATS if one.recognise(fields)] == [form.__name__]
    found = form.from_object(fields)
    assert found.id == "x"
    assert found.messages == messages


def test_a_format_says_what_it_cannot_hold() -> None:
    messages = (Message(role="system", content="s"), Message(role="user", content="a", thoughts="t"))
    dialogue = Dialogue(id="x", messages=messages)
    said = {form.__name__.rpartition(".")[2]: form.losses(dialogue) for form in FORMATS}
    assert said["messages"] == []
    assert "thoughts" in said["sharegpt"]
    assert "system and tool messages" in said["ultrachat"]


def test_ultrachat_refuses_turns_that_do_not_alternate() -> None:
    with pytest.raises(ValueError, match="no roles"):
        reading.named("ultrachat").to_line(Dialogue(id="x", messages=(Message(role="assistant", content="a"),)))


def test_an_array_file_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('[{"id": 7, "conversations": [{"from": "human", "value": "a"}]}]')
    assert [dialogue.id for dialogue in reading.read(path)] == ["7"]


@pytest.mark.parametrize(
    "row", ['{"data": []}', '{"data": [1]}', '{"conversations": [{"from": "x", "value": ""}]}', '{"q": 1}']
)
def test_a_malformed_row_is_refused_with_its_place(tmp_path: Path, row: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"data": ["a"]}\n' + row + "\n")
    with pytest.raises(UsageError, match=r"x\.jsonl:2: "):
        list(reading.read(path))


def test_an_unknown_format_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="ultrachat"):
        reading.named("ultrachatt")


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("formats/sharegpt_fastchat_500.json", 500),
        ("formats/sharegpt_tools_300.json", 300),
        ("dialogues/ultrachat_700.jsonl", 700),
    ],
)
def test_real_files_are_read_whole(shared: Path, name: str, count: int) -> None:
    found = list(reading.read(shared / "data" / name))
    assert len(found) == count
    assert all(dialogue.messages for dialogue in found)
