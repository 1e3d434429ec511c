"""What is no input, or only in part: each is refused, or told, with what to do about it."""

import gzip
from pathlib import Path

import orjson
import pytest
from toys import Never, filtered, steps, talk, write

from dialogue.errors import UsageError
from dialogue.records import Seed
from filters.engine.base import Filter
from filters.engine.chain import chain
from gen.main import main

GOOD = b'{"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]}\n'


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", GOOD + b"{nonsense\n" + GOOD, r"a.jsonl:2: not JSON \(.*\); mend or delete the line"),
        ("a.jsonl", GOOD + GOOD.replace(b"Why", b"Qui \xe9"), r"a.jsonl:2: not JSON .*; mend or delete the line"),
        ("a.jsonl", GOOD + GOOD.replace(b"Why", b"\\ud800"), r"a.jsonl:2: not JSON \(.*\); mend or delete the line"),
        ("a.json", b'[{"messages": 3},\n nonsense]', "a.json:2: not JSON"),
        ("a.csv", b"question,answer\n1,2,3\n", "a.csv:2: 3 cells, expected 2; mend or delete the row, or leave such"),
        ("a.csv", b"question,question\n1,2\n", "a.csv:1: expected a header whose names all differ"),
        ("a.jsonl.gz", gzip.compress(GOOD, mtime=0), "a.jsonl.gz: packed with gzip; unpack it first"),
        ("a.jsonl", gzip.compress(GOOD, mtime=0), "a.jsonl: packed with gzip; unpack it first"),
        ("a.parquet", b"PAR1....", "a.parquet: no Parquet file that can be read"),
        ("a.html", b"<p>Why?</p>", "a.html:1: no __NEXT_DATA__ element in the page; mend or delete the row"),
        ("a.txt", b"Why?\nSo.\n", r"a.txt:1: not JSON \(.*\); expected JSON Lines or an array; name a table .csv"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_the_mend(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=says):
        filtered(tmp_path / "out", steps(Never()), tmp_path / name)


def test_what_in_a_folder_is_not_read_is_said_and_in_the_reports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    (folder / "more").mkdir(parents=True)
    for name in ("a.jsonl", "b.jsonl.gz", "notes.txt", ".hidden"):
        (folder / name).write_bytes(GOOD)
    (tmp_path / "own.jsonl").write_bytes(b'{"question": "How deep is lake Baikal in the winter?", "answer": "1642"}')
    for command, more in (("filter", ()), ("contamination", ("--benchmark", str(tmp_path / "own.jsonl")))):
        out = tmp_path / command
        assert main([command, str(folder), "--out", str(out), "--workers", "1", *more]) == 0
        assert f"skipped in {folder}: b.jsonl.gz, more/, notes.txt" in capsys.readouterr().err
        report = orjson.loads((out / "report.json").read_bytes())
        assert report["skipped"] == [f"{folder}/{name}" for name in ("b.jsonl.gz", "more/", "notes.txt")]


def test_the_first_refused_line_is_told_on_the_console(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write(tmp_path / "in.jsonl", [talk("Why?", "So.", id=id) for id in "abc"])
    command = ["filter", str(source), "--out", str(tmp_path / "out"), "--workers", "1", "--format", "sharegpt"]
    assert main(command) == 1
    printed = capsys.readouterr().out
    assert "read 3, kept 0 (0.0%), dropped 0, refused 3" in printed
    assert f"the first: {source}:1: no dialogue of the format sharegpt" in printed


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"q": 1, "a": 2}, "no dialogue of any known format (fields: q, a); others than those of `gen convert --list`"),
        (
            {"data": [orjson.loads(GOOD)]},
            "data: a list of objects, not of texts; if these are the rows, write",
        ),
    ],
)
def test_where_all_is_refused_the_first_reason_stands_beside_the_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], row: dict[str, object], says: str
) -> None:
    (tmp_path / "in.jsonl").write_bytes((orjson.dumps(row) + b"\n") * 2)
    assert main(["filter", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out"), "--workers", "1"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "read 2, kept 0 (0.0%), dropped 0, refused 2"
    assert told[1] == f"refused: 2 lines that are no dialogue, in {tmp_path}/out/refused.jsonl"
    assert told[2].startswith(f"  the first: {tmp_path}/in.jsonl:1: {says}")
    assert not any("nothing to" in line for line in told)


def test_filters_that_no_dialogue_concerns_are_told_apart_and_one_reason_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write(tmp_path / "in.jsonl", [talk("Why?", "So.", id="a"), talk("Alone?", id="b")])
    config = tmp_path / "chain.toml"
    names = ("turns", "recall", "consulting", "solutions", "mojibake")
    config.write_text("".join(f'[[filters]]\nuse = "{name}"\n' for name in names))
    command = ["filter", str(source), "--out", str(tmp_path / "out"), "--workers", "1", "--config", str(config)]
    for _ in range(2):  # the second time from what was computed before
        assert main(command) == 0
        told = capsys.readouterr().out.splitlines()
        assert "turns 1 dropped (no_answer)" in [" ".join(one.split()) for one in told]
        assert "  nothing to say: mojibake" in told
        assert "  nothing to look at: recall, consulting, solutions" in told
    found = orjson.loads((tmp_path / "out/report.json").read_bytes())["filters"]
    assert [(step["read"], step["looked_at"]) for step in found] == [(2, 2), (1, 0), (1, 0), (1, 0), (1, 1)]


def test_filters_that_read_a_seed_know_whom_they_concern() -> None:
    plain, held = (
        talk("Why?", "So.", id="a"),
        {"goal": {"facts": [{"key": "town", "value": "Oslo"}]}, "acts": [{"number": 2, "asks": "town"}]},
    )
    for name, extra in (("consulting", {"sources": ["a"]}), ("solutions", {"problem": {}}), ("recall", held)):
        (step,) = chain([{"use": name}], "filters")
        assert isinstance(step.filter, Filter)
        seeded = talk("I live in Oslo.", "Fine.", "Where do I live?", "In Oslo.", id="b")
        assert not step.filter.concerns(plain)
        assert step.filter.concerns(seeded.model_copy(update={"seed": Seed(extra=extra)}))


def test_a_filter_s_folder_and_what_it_dropped_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = {"id": "unanswered", "messages": [{"role": "user", "content": "Is anybody there?"}]}
    source = tmp_path / "in.jsonl"
    source.write_bytes(GOOD + orjson.dumps(asked) + b"\n")
    assert main(["filter", str(source), "--out", str(tmp_path / "out"), "--workers", "1"]) == 0
    capsys.readouterr()
    assert main(["show", str(tmp_path / "out")]) == 0
    assert "So." in capsys.readouterr().out
    assert main(["show", str(tmp_path / "out/dropped.jsonl"), "unans"]) == 0
    shown = capsys.readouterr().out
    assert "dropped by turns: no_answer" in shown
    assert "Is anybody there?" in shown


def test_files_that_are_named_twice_or_hold_nothing_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_bytes(GOOD)
    Path("empty.jsonl").touch()
    assert main(["filter", "a.jsonl", "./a.jsonl", "empty.jsonl", "--out", "out"]) == 0
    told = capsys.readouterr()
    assert told.err.splitlines()[:2] == ["a.jsonl: named twice, and read as often", "empty.jsonl: no dialogue in it"]
    assert "exact_duplicates          1 dropped" in told.out


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "Once upon a time."}, "a text without roles, as of pretraining"),
        ({"messages": [{"role": "user", "content": "q"}], "images": ["a.png"]}, "images: only texts are held"),
    ],
)
def test_rows_about_something_else_are_refused_with_what_they_are(
    tmp_path: Path, row: dict[str, object], said: str
) -> None:
    (tmp_path / "a.jsonl").write_bytes(orjson.dumps(row) + b"\n" + GOOD)
    report = filtered(tmp_path / "out", steps(Never()), tmp_path / "a.jsonl")
    assert report["refused"] == 1
    assert said in report["first_refused"]
