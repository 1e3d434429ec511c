"""What a tree is rooted in: the sector's own lists, or a file of the user's."""

import json
from pathlib import Path

import pytest

from dialogue.errors import UsageError
from prompts.loader import Prompts
from prompts.roots import Root, from_input
from prompts.sector import load, roots


def lines(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "input"
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path, language: str = "en") -> list[str]:
    return [root.path[0][1] for root in from_input(path, "Entity", language)]


def test_topics_come_in_the_language_its_base_or_english() -> None:
    prompts = Prompts()
    sector = load(prompts, "world-questions")
    for language, first in {
        "en": "The human body",
        "zh-TW": "人體",
        "zh": "人体",
        "zh-HK": "人体",
        "fi": "The human",
    }.items():
        topics = roots(prompts, sector, sector.level("further"), language)
        assert len({topic.name for topic in topics}) == 30
        assert topics[0].what == "Topic"
        assert topics[0].name.startswith(first)


def test_a_users_file_replaces_the_source_that_takes_one_and_no_other(tmp_path: Path) -> None:
    prompts = Prompts()
    sector = load(prompts, "world-questions")
    own = lines(tmp_path, "Tapioca")
    assert [root.name for root in roots(prompts, sector, sector.level("general"), "en", own)] == ["Tapioca"]
    assert len(roots(prompts, sector, sector.level("question"), "en", own)) == 30


def test_plain_lines_are_names_word_for_word(tmp_path: Path) -> None:
    assert read(lines(tmp_path, "Nile", "", "  Doctors, Without  Borders ", "a {b}", "x\u2028y")) == [
        "Nile",
        "Doctors, Without Borders",
        "a {b}",
        "x y",
    ]


def test_json_lines_give_name_label_or_entity_with_details(tmp_path: Path) -> None:
    rows = (
        {"name": "Nile", "kind": "river", "region": "Africa", "population": 3},
        {"label": "Oslo", "description": "capital of Norway"},
        {"entity": "Tea"},
        {"name": "Japan", "kind": "country", "zh": "日本"},
    )
    path = lines(tmp_path, *rows)
    assert read(path)[:3] == ["Nile (river, Africa)", "Oslo (capital of Norway)", "Tea"]
    assert read(path, "zh-TW")[3] == "日本 (country)"
    assert from_input(path, "Entity", "en")[0] == Root(
        what="Entity", name="Nile", details={"kind": "river", "region": "Africa"}
    )


def test_entities_of_a_wikidata_dump_are_read_with_its_brackets_and_commas(tmp_path: Path) -> None:
    japan = {
        "id": "Q17",
        "type": "item",
        "labels": {"en": {"language": "en", "value": "Japan"}, "zh-hk": {"language": "zh-hk", "value": "日本國"}},
        "descriptions": {"en": {"language": "en", "value": "island country in East Asia"}},
        "claims": {"P31": []},
    }
    shared = {"id": "Q1", "labels": {"mul": {"language": "mul", "value": "Linux"}}, "descriptions": {}}
    path = lines(tmp_path, "[", json.dumps(japan) + ",", json.dumps(shared), "]")
    assert read(path) == ["Japan (island country in East Asia)", "Linux"]
    assert read(path, "zh-HK")[0].startswith("日本國")


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ('{"name": "Oslo"', "not JSON"),
        ('["Oslo"]', "a list, expected a JSON object"),
        ('{"title": "Oslo"}', "no name: expected one of name, label, entity"),
        ('{"name": 3}', "'3' is a int, expected text"),
        ('{"name": "Oslo", "kind": ["city"]}', "expected text"),
        ('{"name": " \\t"}', "white space"),
        ('{"id": "Q9", "labels": {"fi": {"value": "Oslo"}}}', "no name in en or en"),
        ("Nile", "stands in line 1 already"),
        ("y" * 301, "longer than 300 characters"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, row: str, complaint: str) -> None:
    path = lines(tmp_path, "Nile", "", row)
    with pytest.raises(UsageError, match=complaint) as caught:
        read(path)
    assert str(caught.value).startswith(f"--input {path}:3: ")


def test_a_file_that_is_missing_empty_or_not_utf8_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read(tmp_path / "none")
    with pytest.raises(UsageError, match="empty, expected one entity a line"):
        read(lines(tmp_path, "", " "))
    (tmp_path / "latin").write_bytes(b"Nile\nM\xe1laga\n")
    with pytest.raises(UsageError, match=r"latin:2: not UTF-8; save it as UTF-8"):
        read(tmp_path / "latin")


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    (tmp_path / "bom").write_bytes(b"\xef\xbb\xbfNile\r\nOslo\r\n")
    assert read(tmp_path / "bom") == ["Nile", "Oslo"]


def test_a_topic_without_an_english_name_is_said_with_its_place(tmp_path: Path) -> None:
    folder = tmp_path / "sectors" / "world-questions"
    folder.mkdir(parents=True)
    (folder / "topics.toml").write_text('[[topics]]\nen = "Tea"\n[[topics]]\nzh = "茶"\n', encoding="utf-8")
    prompts = Prompts(tmp_path)
    sector = load(prompts, "world-questions")
    assert [topic.name for topic in roots(prompts, sector, sector.level("question"), "zh")] == ["Tea", "茶"]
    with pytest.raises(UsageError, match=r"topics.toml: \[\[topics\]\] number 2: no name in fi or en"):
        roots(prompts, sector, sector.level("question"), "fi")
