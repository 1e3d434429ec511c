"""A user's own material: what is read of it, and what is refused with its place."""

import json
from pathlib import Path

import pytest

from dialogue.errors import UsageError
from prompts.loader import Prompts
from prompts.materials import Form, material
from prompts.sector import load

PASSAGES = Form(keys=("text", "passage"), most_tokens=6, cut=True, blocks=True)
SEEDS = Form(keys=("question", "title", "text"), most_tokens=6)


def texts(path: Path, form: Form = PASSAGES) -> list[str]:
    return [piece.text for piece in material(path, form)]


def file(tmp_path: Path, content: bytes | str, name: str = "m.jsonl") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_json_lines_keep_id_title_and_language(tmp_path: Path) -> None:
    rows = [
        {"id": 7, "title": "Tea", "text": "Tea is hot.", "language": "en"},
        {"passage": "It is one two three."},
    ]
    found = material(file(tmp_path, "\n".join(map(json.dumps, rows))), PASSAGES)
    first, second = found
    assert (first.id, first.title, first.text, first.language, first.cut_from) == (
        "7",
        "Tea",
        "Tea is hot.",
        "en",
        None,
    )
    assert (len(second.id), second.title, second.language) == (16, "It is one two three.", None)
    assert list(found.of("en")) == list(found.of("en-GB")) == [0, 1]
    assert list(found.of("zh")) == [1]


def test_a_long_text_is_cut_where_the_form_says_so_and_counted(tmp_path: Path) -> None:
    path = file(tmp_path, json.dumps({"text": "One two three. Four five six."}))
    found = material(path, PASSAGES)
    assert (found[0].text, found[0].cut_from, found.cut) == ("One two three.", 8, 1)
    with pytest.raises(UsageError, match=r"m.jsonl:1: text: about 8 tokens, expected at most 6"):
        material(path, SEEDS)


def test_marks_and_line_ends_of_other_systems_are_no_part_of_a_text(tmp_path: Path) -> None:
    rows = b'\xef\xbb\xbf{"text": "a\\r\\nb"}\r\n\r\n{"text": "c\xe2\x80\xa8d"}\r\n'
    assert texts(file(tmp_path, rows)) == ["a\nb", "c\u2028d"]
    assert texts(file(tmp_path, b"\xef\xbb\xbfa b\r\nc\xe2\x80\xa8d\r\n", "m.txt")) == ["a b", "c\u2028d"]


def test_blank_lines_part_passages_where_there_are_any_between_them(tmp_path: Path) -> None:
    assert texts(file(tmp_path, "\na\nb\n\n \nc\n\n", "m.txt")) == ["a\nb", "c"]
    assert texts(file(tmp_path, "a\nb\n\n", "m.txt")) == ["a", "b"]
    assert texts(file(tmp_path, "a\n\nb", "s.txt"), SEEDS) == ["a", "b"]


def test_json_is_told_by_the_name_or_by_the_first_line(tmp_path: Path) -> None:
    assert texts(file(tmp_path, '{"text": "a"}\n', "m")) == ["a"]
    assert texts(file(tmp_path, '"a"\n', "m")) == ["a"]
    assert texts(file(tmp_path, "{a} b\n", "m.txt")) == ["{a} b"]


def test_the_first_key_that_a_row_has_counts(tmp_path: Path) -> None:
    rows = '{"title": "How?", "text": "body", "question": null}\n{"question": "Why?", "title": "x"}\n'
    assert texts(file(tmp_path, rows), SEEDS) == ["How?", "Why?"]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (b'{"text": "torn', "not JSON"),
        (b'["a"]', "a list, expected a JSON object or a text"),
        (b"3", "a number, expected"),
        (b'{"body": "a"}', "no text: expected it under text or passage"),
        (b'{"text": null}', "no text"),
        (b'{"text": " \\n"}', "text: no word in it"),
        (b'{"text": ["a"]}', "is a list, expected text"),
        (b'{"text": "b", "id": []}', "id or language"),
        (b'{"text": "b", "language": 3.5}', "id or language"),
        (b'{"text": "b", "title": 3}', "title: '3' is a int"),
        (b'{"text": "M\xe1laga"}', "not UTF-8"),
        (b'{"text": "first"}', "the same text stands in line 1 already"),
        (b'{"text": "b", "id": "x"}', "the same id stands in line 1 already"),
    ],
)
def test_a_row_that_is_no_good_is_named_with_its_line(tmp_path: Path, row: bytes, complaint: str) -> None:
    path = file(tmp_path, b'{"text": "first", "id": "x"}\n\n' + row)
    with pytest.raises(UsageError, match=complaint) as caught:
        material(path, PASSAGES)
    assert str(caught.value).startswith(f"--input {path}:3: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_a_folder_or_empty_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--input .*none: No such file"):
        material(tmp_path / "none", PASSAGES)
    with pytest.raises(UsageError, match="a folder, expected a file"):
        material(tmp_path, PASSAGES)
    for content in ("", "\n \r\n", "\ufeff"):
        with pytest.raises(UsageError, match="empty, expected"):
            material(file(tmp_path, content), PASSAGES)


def test_parquet_is_read_where_pyarrow_is(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "m.parquet"
    parquet.write_table(pyarrow.table({"text": ["a b", "c\r\nd"], "id": [1, 2]}), path)
    found = material(path, PASSAGES)
    assert [(piece.id, piece.text) for piece in found] == [("1", "a b"), ("2", "c\nd")]
    parquet.write_table(pyarrow.table({"text": ["a b", ""]}), path)
    with pytest.raises(UsageError, match=r"m.parquet:2: text: no word in it"):
        material(path, PASSAGES)
    with pytest.raises(UsageError, match=r"m.parquet: no Parquet file that can be read"):
        material(file(tmp_path, b"PAR1 and no more", "m.parquet"), PASSAGES)


def test_real_passages_are_read_and_the_long_ones_end_as_a_sentence_does(shared: Path) -> None:
    source = load(Prompts(), "materials").input
    assert source is not None
    assert source.material is not None
    found = material(shared / "data" / "passages" / "c4_300.jsonl", source.material)
    assert len(found) == 300
    assert len({piece.id for piece in found}) == 300
    ends = [piece.text[-1] for piece in found if piece.cut_from is not None]
    assert len(ends) == found.cut > 20
    assert all(end in ".!?" for end in ends)
