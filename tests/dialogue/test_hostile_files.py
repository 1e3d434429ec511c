"""Files as they come from spreadsheets, pandas, editors and half-broken exports: read as meant, or told in one line."""

import re
from pathlib import Path

import orjson
import pyarrow
import pyarrow.parquet
import pytest

from dialogue.conversion.convert import Conversion, convert
from dialogue.conversion.rows import rows
from dialogue.errors import UsageError
from dialogue.formats import field_map
from dialogue.reading import lines, read

PAIR = {"instruction": "q", "output": "a"}


def fields(path: Path) -> list[dict[str, object]]:
    return [row.fields for row in rows(path)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("semicolon.csv", b"instruction;output\nq;a\n"),
        ("tab.csv", b"instruction\toutput\nq\ta\n"),
        ("tab.tsv", b"instruction\toutput\nq\ta\n"),
        ("blank.csv", b"\n,\n\ninstruction,output\nq,a\n"),
        ("bom.csv", b"\xef\xbb\xbfinstruction,output\r\nq,a\r\n\r\n"),
    ],
)
def test_a_table_is_read_whatever_wrote_it(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert fields(tmp_path / name) == [PAIR]


def test_columns_without_a_name_are_named_by_their_places(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",instruction,output,\n0,q,a,x\n")  # the first as pandas writes its row numbers
    assert fields(tmp_path / "a.csv") == [{"column 1": "0", **PAIR, "column 4": "x"}]
    assert [one.seed.extra for one in read(tmp_path / "a.csv")] == [{"column 1": "0", "column 4": "x"}]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", "instruction,output\nq,a\n".encode("utf-16"), r"a\.csv: UTF-16; save it as UTF-8"),
        ("a.jsonl", '{"messages": []}\n'.encode("utf-16"), r"a\.jsonl: UTF-16; save it as UTF-8"),
        ("a.xlsx", b"PK\x03\x04", r"a\.xlsx: a workbook; save it as CSV"),
        ("a.arrow", b"ARROW1", r"a\.arrow: Arrow's own format; write it as Parquet"),
        ("a.zip", b"PK\x03\x04", r"a\.zip: packed with zip; unpack it first"),
        ("a.csv", "Käse,output\nq,a\n".encode("latin-1"), r"a\.csv:1: expected a header .* \(not UTF-8\)"),
        ("a.csv", b'"in"struction,output\nq,a\n', r"a\.csv:1: expected a header .* \(',' expected after '\"'\)"),
        ("a.csv", b"a,a\n1,2\n", r"a\.csv:1: expected a header whose names all differ \(found \['a', 'a'\]\)"),
        ("a.csv", b"", r"a\.csv:1: expected a header whose names all differ \(found none\)"),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=says):
        list(rows(tmp_path / name))


def test_what_is_nested_too_deeply_is_told(tmp_path: Path) -> None:
    deep = b'{"messages": [], "x":' + b"[" * 900 + b"]" * 900 + b"}"
    for name, content in (("a.jsonl", deep), ("a.json", b"[" + deep + b"]"), ("b.json", deep.replace(b",", b",\n"))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError, match=rf"{name}:1: .*; mend or delete") as found:
            list(read(tmp_path / name))
        assert len(str(found.value)) < 600
    found_lines = lines(tmp_path / "a.json")
    assert found_lines is not None
    assert list(found_lines) == [deep + b"\n"], "told by whoever reads the line"
    with pytest.raises(UsageError, match=r"b\.json:1: nested too deeply"):
        list(lines(tmp_path / "b.json") or ())


def test_numbers_that_are_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"messages": [], "score": NaN}\n')
    with pytest.raises(UsageError, match=r"a\.jsonl:1: not JSON \(NaN and Infinity are no numbers of it\)"):
        list(read(tmp_path / "a.jsonl"))


def test_two_columns_of_one_name_are_told(tmp_path: Path) -> None:
    table = pyarrow.Table.from_arrays([pyarrow.array([one]) for one in "qxa"], ["instruction", "instruction", "output"])
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(UsageError, match=r"a\.parquet: two columns are named 'instruction'; rename one"):
        list(rows(tmp_path / "a.parquet"))


def test_columns_of_every_kind_of_parquet_become_json(tmp_path: Path) -> None:
    table = pyarrow.table(
        {
            "instruction": pyarrow.array(["q", "q"]).dictionary_encode(),
            "output": pyarrow.array(["a", "a"], pyarrow.large_string()),
            "map": pyarrow.array([[("k", 1)], None], pyarrow.map_(pyarrow.string(), pyarrow.int64())),
            "nested": [[[1], []], [None]],
            "nothing": pyarrow.nulls(2),
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    one, other = fields(tmp_path / "a.parquet")
    assert one == {**PAIR, "map": [["k", 1]], "nested": [[1], []]}
    assert other == {**PAIR, "nested": [None]}
    assert orjson.loads(orjson.dumps(one)) == one


def mapped(folder: Path, text: str) -> field_map.FieldMap:
    (folder / "own.toml").write_text(text)
    return field_map.loaded(folder / "own.toml")


def test_a_field_map_reaches_into_objects_by_paths(tmp_path: Path) -> None:
    found = mapped(tmp_path, 'user = "question.text"\nassistant = "answers.best"\n')
    row = {"question": {"text": "q"}, "answers": {"best": ["a", "b"]}}
    assert found.recognise(row)
    assert [message.content for message in found.from_object(row).messages] == ["q", "a"]
    dotted = {**row, "question.text": "its own"}
    assert found.from_object(dotted).messages[0].content == "its own"
    for other in ({"question": "q", "answers": {"best": "a"}}, {"question": {}}, {"question": {"text": None}}):
        assert not found.recognise(other)
        with pytest.raises(ValueError, match=r"question\.text: is missing"):
            found.from_object(other)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('user = ""\nassistant = "a"\n', "a field without a name"),
        ('user = "q"\nassistant = "q"\n', "'q' is said to be the user's and the assistant's"),
        ('[history]\nfield = "t"\nuser = "U:"\nassistant = "U:"\n', "'U:' is said to be"),
        ('[pairs]\nfield = "t"\nuser = "q"\nassistant = "q"\n', "'q' is said to be"),
    ],
)
def test_a_field_map_that_means_nothing_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=f"own.toml: {says}"):
        mapped(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("H: q A: a H: r", "no turn is A:'s; a label within a line is read as words"),
        ("H: q", "no turn is A:'s$"),
    ],
)
def test_a_row_that_a_map_finds_no_answer_in_is_dropped_with_its_reason(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "own.toml").write_text('[history]\nfield = "t"\nuser = "H:"\nassistant = "A:"\n')
    (tmp_path / "in.jsonl").write_bytes(orjson.dumps({"t": text}) + b"\n" + orjson.dumps({"t": "H: q\nA: a"}) + b"\n")
    asked = Conversion(inputs=(tmp_path / "in.jsonl",), out=tmp_path / "o.jsonl", from_=str(tmp_path / "own.toml"))
    report = convert(asked)
    assert (report.dropped, list(report.written.values())) == (1, [1])
    told = orjson.loads((tmp_path / "o.jsonl.dropped.jsonl").read_bytes())
    assert told["place"] == f"{tmp_path / 'in.jsonl'}:1"
    assert re.search(says, told["reason"])


def test_a_row_without_an_answer_stops_the_other_commands_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "oig.jsonl").write_bytes(orjson.dumps({"text": "<human>: q <bot>: a"}) + b"\n")
    with pytest.raises(UsageError, match=r"oig\.jsonl:1: text: no turn is <bot>:'s"):
        list(read(tmp_path / "oig.jsonl"))
