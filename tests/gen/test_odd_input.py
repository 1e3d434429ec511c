"""What a user may give to --input by mistake: for every sector one line that names the file, the place and the mend."""

import gzip
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow
import pyarrow.parquet
import pytest
from test_wrong_usage import refused

from gen.main import main
from prompts.loader import Prompts
from prompts.sector import load, names

PROMPTS = Prompts()
SECTORS = {name: load(PROMPTS, name) for name in names(PROMPTS)}
TAKING = [name for name, sector in SECTORS.items() if sector.takes or sector.input or sector.tools]
GROWING = [name for name in TAKING if not SECTORS[name].takes]
NAMES = [name for name in GROWING if not SECTORS[name].tools and not SECTORS[name].sources[0].tasks]
ROWS = [
    {
        "name": f"Bread of kind {number}",
        "text": f"People have baked bread of kind {number} for long.",
        "question": f"How is bread of kind {number} baked?",
        "instruction": f"Say how bread of kind {number} is baked.",
    }
    for number in range(40)
]


@pytest.fixture(autouse=True)
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def planned(sector: str, path: str, n: int = 1) -> tuple[str, ...]:
    return ("plan", "--sector", sector, "--n", str(n), "--endpoint", "builtin", "--out", "made", "--input", path)


FOR_ALL: dict[str, tuple[Callable[[Path], object], str]] = {
    "absent.jsonl": (lambda path: None, "absent.jsonl: "),
    "folder": (lambda path: path.mkdir(), "folder: "),
    "packed.jsonl.gz": (lambda path: path.write_bytes(gzip.compress(b"{}")), "packed.jsonl.gz: packed with gzip"),
    "empty.jsonl": (lambda path: path.write_bytes(b""), "empty.jsonl: "),
    "page.html": (lambda path: path.write_bytes(b"<p>Bread</p>"), "page.html"),
    "bytes.bin": (lambda path: path.write_bytes(bytes(range(256))), "bytes.bin"),
    "utf16.txt": (lambda path: path.write_text("Bread\nWine\n", "utf-16"), "utf16.txt"),
    "latin.txt": (lambda path: path.write_text("Käse\n", "latin-1"), "latin.txt"),
    "odd.jsonl": (lambda path: path.write_bytes(b'{"foo": 1}\n'), "odd.jsonl:1: no "),
    "odd.csv": (lambda path: path.write_bytes(b"foo,bar\n1,2\n"), "odd.csv:2: no "),
    "odd.json": (lambda path: path.write_bytes(b'[{"foo": 1}]'), "odd.json:1: no "),
    "whole.json": (lambda path: path.write_bytes(b'{\n"rows": [1]\n}\n'), "whole.json:1: no "),
    "ragged.csv": (lambda path: path.write_bytes(b"text,name\n1,2\n3\n"), "ragged.csv:3: 1 cells, expected 2"),
    "numbers.jsonl": (lambda path: path.write_bytes(b"1\n2\n"), "numbers.jsonl:1: "),
    "broken.jsonl": (lambda path: path.write_bytes(b'{"name": "a\n'), "broken.jsonl:1: "),
    "cut.parquet": (lambda path: path.write_bytes(b"PAR1"), "cut.parquet: no Parquet file that can be read"),
}  # fmt: skip


@pytest.mark.parametrize("sector", TAKING)
@pytest.mark.parametrize("name", FOR_ALL)
def test_a_file_of_another_kind_is_told_by_every_sector(
    capsys: pytest.CaptureFixture[str], sector: str, name: str
) -> None:
    make, says = FOR_ALL[name]
    make(Path(name))
    said = refused(capsys, *planned(sector, name))
    assert f"--input {says}" in said or (says == "ragged.csv:3: 1 cells, expected 2" and "ragged.csv:2: no " in said)


@pytest.mark.parametrize("sector", sorted(name for name in set(SECTORS) - set(TAKING) if not SECTORS[name].page))
def test_a_sector_that_takes_none_says_so(capsys: pytest.CaptureFixture[str], sector: str) -> None:
    assert f"the sector {sector} takes none; leave it out" in refused(capsys, *planned(sector, "absent.jsonl"))


@pytest.mark.parametrize("name", FOR_ALL)
def test_a_sector_with_a_page_says_what_one_is(capsys: pytest.CaptureFixture[str], name: str) -> None:
    FOR_ALL[name][0](Path(name))
    assert f"--input {name}: expected a page about your assistant" in refused(capsys, *planned("domain", name))


@pytest.mark.parametrize("sector", GROWING)
def test_dialogues_are_sent_to_the_sectors_that_take_them_up(capsys: pytest.CaptureFixture[str], sector: str) -> None:
    Path("d.jsonl").write_bytes(b'{"messages": [{"role": "user", "content": "Why?"}]}\n')
    assert "continue, reanswer and preference" in refused(capsys, *planned(sector, "d.jsonl"))


def _csv(path: Path) -> None:
    keys = list(ROWS[0])
    path.write_text("\n".join([",".join(keys), *(",".join(f'"{row[key]}"' for key in keys) for row in ROWS)]))


TABLES: dict[str, Callable[[Path], object]] = {
    "a.json": lambda path: path.write_bytes(orjson.dumps(ROWS)),
    "pretty.json": lambda path: path.write_bytes(orjson.dumps(ROWS, option=orjson.OPT_INDENT_2)),
    "a.csv": _csv,
    "a.parquet": lambda path: pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), path),
}


@pytest.mark.parametrize("sector", GROWING)
@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_read_by_its_fields(capsys: pytest.CaptureFixture[str], sector: str, name: str) -> None:
    TABLES[name](Path(name))
    Path("lines.jsonl").write_bytes(b"\n".join(map(orjson.dumps, ROWS)))
    shown = {}
    for path in (name, "lines.jsonl"):
        assert main(planned(sector, path)) == 0, capsys.readouterr().err
        shown[path] = capsys.readouterr().out
    assert shown[name] == shown["lines.jsonl"]


def test_rows_of_a_csv_file_are_told_by_their_lines(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_text('question,note\n"How is\nbread baked?",a\n" ",b\n')
    assert "--input a.csv:4: question: no word in it" in refused(capsys, *planned("self-chat", "a.csv"))


@pytest.mark.parametrize("option", ["--openers", "--system"])
@pytest.mark.parametrize(
    "name", ["folder", "packed.jsonl.gz", "page.html", "bytes.bin", "utf16.txt", "latin.txt", "ragged.csv"]
)
def test_openers_and_system_prompts_of_another_kind_are_told(
    capsys: pytest.CaptureFixture[str], option: str, name: str
) -> None:
    make, says = FOR_ALL[name]
    make(Path(name))
    asked = ("plan", "--sector", "creation", "--n", "1", "--endpoint", "builtin", option, name)
    assert f"{option} {says}" in refused(capsys, *asked)


def test_openers_are_read_of_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_text('opener,topic\n"How is bread baked?",bread\n"Why is the sea salt?",sea\n')
    assert main(("plan", "--sector", "creation", "--n", "2", "--endpoint", "builtin", "--openers", "a.csv")) == 0
    capsys.readouterr()
    assert "2 openers" in refused(
        capsys, "plan", "--sector", "creation", "--n", "3", "--endpoint", "builtin", "--openers", "a.csv"
    )


def test_what_a_row_of_the_input_is_is_told_of_each_sector(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sectors"]) == 0
    lines = {line.partition(":")[0]: line for line in capsys.readouterr().out.splitlines()}
    told = {name: line.partition("--input: one ")[2].partition(" a row")[0] for name, line in lines.items()}
    assert [name for name, what in told.items() if what] == TAKING
    assert {told[name] for name, sector in SECTORS.items() if sector.takes} == {"dialogue"}
    assert told["world-questions"] == "entity"
    assert [name for name, line in lines.items() if line.endswith(", needed")] == [
        name
        for name, sector in SECTORS.items()
        if sector.takes or sector.page or (sector.input is not None and sector.input.material is not None)
    ]
