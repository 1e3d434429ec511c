"""The search over passages: what is found, what is not, and where passages come from."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogue.errors import UsageError
from generator.tools.search import SHOWN, SHOWN_CHARACTERS, Search
from prompts.passages import Passage, from_input

PASSAGES = [
    Passage(name="Mill", text="The old mill by the river grinds flour on Tuesdays and is closed in winter."),
    Passage(name="Ferry", text="The ferry crosses the river every hour; the last one leaves at nine."),
    Passage(name="Library", text="The library lends books for three weeks. A reader's card is free."),
    Passage(name="Bakery", text="The bakery opens at six and sells rye bread."),
    Passage(name="渡轮", text="渡轮每小时过河一次，最后一班九点开。"),
]
SEARCH = Search(PASSAGES)


def names(query: str) -> list[str]:
    return [passage.name for passage in SEARCH.best(query)]


def test_the_passage_that_is_asked_about_comes_first() -> None:
    assert names("when does the last ferry leave")[0] == "Ferry"
    assert names("rye bread") == ["Bakery"]
    assert names("flour mill")[0] == "Mill"
    assert names("渡轮最后一班几点") == ["渡轮"]


def test_what_no_passage_is_about_is_found_nowhere() -> None:
    assert names("opening hours of the opera house in Vienna") == []
    found = SEARCH.call("quantum chromodynamics")
    assert found.text == ""
    assert found.error is None


def test_a_result_is_numbered_and_bounded() -> None:
    many = Search([Passage(name=f"P{n}", text=f"lamp {n} " + "word " * 1000) for n in range(9)] + PASSAGES * 2)
    lines = many.call("lamp").text.split("\n")
    assert [line[:3] for line in lines] == ["[1]", "[2]", "[3]"][:SHOWN]
    assert all(len(line) < SHOWN_CHARACTERS + 30 for line in lines)


@settings(deadline=None)
@given(st.text(max_size=500))
def test_any_text_gets_a_result(text: str) -> None:
    found = SEARCH.call(text)
    assert found.error is None or not found.text


def test_passages_come_from_json_lines_or_plain_text(tmp_path: Path) -> None:
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"name": "Tea", "text": "Tea is hot."}\n\n{"text": "Coffee is black."}\n', encoding="utf-8")
    assert [p.name for p in from_input(lines, "en")] == ["Tea", "Coffee is black."]
    text = tmp_path / "a.txt"
    text.write_text("Tea is\nhot.\n\nCoffee is black.\n\nTea is hot.\n", encoding="utf-8")
    assert [p.text for p in from_input(text, "en")] == ["Tea is hot.", "Coffee is black."]
    table = tmp_path / "b.jsonl"
    table.write_text('{"title": {"en": "Tea", "zh": "茶"}, "text": {"en": "Hot.", "zh": "热。"}}', encoding="utf-8")
    assert from_input(table, "zh-HK") == [Passage(name="茶", text="热。")]
    assert from_input(table, "fr") == [Passage(name="Tea", text="Hot.")]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty, expected passages"),
        ('{"name": "x"}', "a.txt:1: no text"),
        ('{"text": "x"}\n{"text": 3}', "a.txt:2: no text"),
        ('{"text": "x"}\n[1]', "a.txt:2: a list, expected a JSON object"),
        ('{"text": "x"}\n{', "a.txt:2: "),
        ("x" * 200_000, "passage 1: a passage of 200,000 characters"),
    ],
)
def test_a_bad_file_is_an_error_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "a.txt"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=complaint):
        from_input(file, "en")
