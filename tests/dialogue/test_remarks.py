"""What is said of files before they are read: named twice, or with nothing in them."""

from pathlib import Path

import pytest

from dialogue.conversion.remarks import empty, nothing, remarks, remarks_on

ROW = '{"messages": [{"role": "user", "content": "q"}]}\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text(ROW)
    Path("empty.jsonl").touch()
    return tmp_path


def test_a_file_that_is_named_twice_is_said_once(here: Path) -> None:
    found = [Path("a.jsonl"), Path("./a.jsonl"), here / "a.jsonl"]
    assert remarks(found[:1]) == []
    assert remarks(found[:2]) == ["a.jsonl: named twice, and read as often"]
    assert remarks(found) == ["a.jsonl: named 3 times, and read as often"]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.jsonl", "", True),
        ("a.jsonl", "\ufeff\n \n\n", True),
        ("a.json", "[]", True),
        ("a.csv", "question,answer\n", True),
        ("a.jsonl", ROW, False),
        ("a.jsonl", '{"messages": [', False),
        ("a.json", "[{}]", False),
        ("a.parquet", "PAR1", False),
    ],
)
def test_a_file_without_a_row_is_empty(tmp_path: Path, name: str, text: str, found: bool) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert empty(tmp_path / name) is found


def test_what_a_filter_kept_nothing_of_says_so(here: Path) -> None:
    Path("clean").mkdir()
    Path("clean/kept.jsonl").touch()
    Path("clean/dropped.jsonl").touch()
    assert remarks_on([Path("clean"), Path("nowhere")]) == ["clean/kept.jsonl: no dialogue in it"]
    Path("clean/dropped.jsonl").write_text("{}\n")
    assert nothing(Path("clean/kept.jsonl")) == (
        "no dialogue in it; its filter dropped all, clean/report.html says why"
    )
