"""Dialogues from any path that `gen convert` reads, for commands that need all of them."""

from pathlib import Path

import orjson
import pyarrow
import pyarrow.parquet
import pytest

from dialogue.errors import UsageError
from dialogue.reading import lines, read

TALK = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
BELLE = [
    {"instruction": "Human: a\nAssistant:", "input": "", "output": "b"},
    {"instruction": "Human: a\nAssistant: b\nHuman: c\nAssistant:", "input": "", "output": "d"},
]
TREE = [
    {"message_id": "1", "parent_id": None, "text": "Why?", "role": "prompter"},
    {"message_id": "2", "parent_id": "1", "text": "So.", "role": "assistant"},
]


def jsonl(path: Path, rows: list[dict[str, object]], end: bytes = b"") -> Path:
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows) + end)
    return path


def table(path: Path, rows: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def said(path: Path) -> list[list[str]]:
    return [[message.content for message in dialogue.messages] for dialogue in read(path)]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_messages_of_trees_are_put_together(tmp_path: Path, suffix: str) -> None:
    path = (jsonl if suffix == ".jsonl" else table)(tmp_path / f"tree{suffix}", list(reversed(TREE)))
    assert said(path) == [["Why?", "So."]]
    found = lines(path)
    assert found is not None
    assert [orjson.loads(line)["prompt"]["text"] for line in found] == ["Why?"]


def test_beginnings_of_longer_dialogues_are_left_out_wherever_they_stand(tmp_path: Path) -> None:
    talks: list[dict[str, object]] = [{"messages": TALK}] * 2
    path = jsonl(tmp_path / "belle.jsonl", [*talks, *BELLE, *talks])
    assert said(path) == [["Why?", "So."]] * 2 + [["a", "b", "c", "d"]] + [["Why?", "So."]] * 2
    assert len(list(read(path, fold=False))) == 6
    found = lines(jsonl(tmp_path / "first.jsonl", [*BELLE, {"q": 1}, *talks]))
    assert found is not None
    kept = [orjson.loads(line) for line in found]
    assert kept == [BELLE[1], {"q": 1}, *talks], "what is no dialogue is told by whoever reads the lines"


def test_lines_that_stand_alone_are_read_as_they_are(tmp_path: Path) -> None:
    assert lines(jsonl(tmp_path / "a.jsonl", [{"messages": TALK}])) is None
    assert lines(jsonl(tmp_path / "empty.jsonl", [])) is None
    assert lines(jsonl(tmp_path / "bad.jsonl", [], b"nonsense\n")) is None


def test_one_object_over_many_lines_is_one_dialogue(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_bytes(orjson.dumps({"messages": TALK}, option=orjson.OPT_INDENT_2))
    (tmp_path / "two.json").write_bytes(b'{"messages":\n' + orjson.dumps(TALK) + b"}\n")
    assert said(tmp_path / "one.json") == said(tmp_path / "two.json") == [["Why?", "So."]]


def test_a_folder_is_read_by_its_first_kind_of_file(tmp_path: Path) -> None:
    table(tmp_path / "data/train-00000.parquet", [{"messages": TALK}] * 2)
    assert said(tmp_path) == [["Why?", "So."]] * 2
    jsonl(tmp_path / "data/a.jsonl", [{"messages": TALK}])
    (tmp_path / "data/scores.csv").write_text("id,score\nx,1\n")
    (tmp_path / "data/report.html").write_text("<p>All is well.</p>")
    assert said(tmp_path) == [["Why?", "So."]]


def test_a_torn_last_line_is_passed_over_unless_the_file_has_to_be_whole(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", [{"messages": TALK}], b'{"messages": [{"ro')
    assert len(said(path)) == 1
    with pytest.raises(UsageError, match=r"a\.jsonl:2: not JSON; the file ends in the middle of this line"):
        list(read(path, whole=True))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", b'{"messages": []}\n', r"a.jsonl:1: .*; mend or delete the line, or leave such rows out: gen"),
        ("a.json", b'[{"q": 1}]', r"a.json:1: no dialogue of any known format \(fields: q\); for other fields write a"),
        ("a.json", b'[{"q": NaN}]', r"a.json:1: not JSON \(.*\); mend or delete the row"),
        ("a.json", b'[{"messages": [', r"a.json:1: not JSON \(.*\); nothing behind it is read"),
        ("a.csv", b"instruction,output\na,b\nc\n", r"a.csv:3: 1 cells, expected 2; mend or delete the row"),
        ("notes.txt", b"Dear diary", r"notes.txt:1: not JSON \(.*\); expected JSON Lines or an array; name a table"),
        ("a.jsonl", b"\x1f\x8b\x08\x00", r"a.jsonl: packed with gzip; unpack it first"),
        ("a.parquet", b"PAR1", r"a.parquet: no Parquet file that can be read"),
    ],
)  # fmt: skip
def test_what_holds_no_dialogue_is_told_with_its_place_and_the_mend(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=says):
        list(read(tmp_path / name))


def test_a_name_that_no_file_can_have_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"File name too long"):
        list(read(tmp_path / ("a" * 300)))
