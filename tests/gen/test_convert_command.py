"""`gen convert` as it is typed: what it tells, complaints of one line, statuses."""

from pathlib import Path

import orjson
import pytest
from small_models import tokenizer
from test_wrong_usage import refused

from dialogue.errors import UsageError
from gen.main import main

ROW = {"id": "x", "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}


@pytest.fixture(autouse=True)
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_bytes(orjson.dumps(ROW) + b"\n")
    Path("full.jsonl").write_bytes(b"precious\n")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((), "IN is missing: gen convert IN OUT --to FORMAT"),
        (("in.jsonl",), "OUT is missing"),
        (("none.jsonl", "out.jsonl"), "none.jsonl: no such file or folder"),
        (("in.jsonl", "out.jsonl", "--to", "shareGPT"), "did you mean sharegpt?"),
        (("in.jsonl", "out.jsonl", "--from", "csv"), "--from csv: no such format"),
        (("in.jsonl", "out.jsonl", "--from", "none.toml"), "none.toml: No such file"),
        (("in.jsonl", "out.txt"), "expected a name that ends with .jsonl, .json, .parquet"),
        (("in.jsonl", "full.jsonl"), "full.jsonl: is there already; --overwrite replaces it"),
        (("in.jsonl", "in.jsonl", "--overwrite"), "is one of the inputs"),
        (("in.jsonl", "full.jsonl", "--to", "hub"), "is a file; --to hub writes a folder"),
        (("in.jsonl", "out.jsonl", "--split", "0.9"), "--split 0.9: expected two or three shares"),
        (("in.jsonl", "out.jsonl", "--sample", "0"), "--sample"),
        (("in.jsonl", "out.jsonl", "--by", "sector"), "--by: says how a --sample or a --split is drawn"),
        (("in.jsonl", "out.jsonl", "--to", "coig"), "--to coig: this layout is only read"),
        (("in.jsonl", "out.jsonl", "--paths", "longest"), "--paths longest: expected best, all, pairs"),
        (("in.jsonl", "out.jsonl", "--form", "x"), "--form: no such option"),
    ],
)
def test_a_wrong_call_is_one_line(capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], said: str) -> None:
    assert said in refused(capsys, "convert", *argv)


def test_it_tells_what_was_read_written_and_not_held(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "in.jsonl", "out.json", "--to", "ultrachat"]) == 0
    told = capsys.readouterr().out
    for line in (
        "read      1 rows, 1 dialogues",
        "messages: 1 rows",
        "written   1 to out.json",
        "not held  seed, usage",
    ):
        assert line in told
    assert orjson.loads(Path("out.json").read_bytes()) == [{"id": "x", "data": ["q", "a"]}]


def test_dropped_rows_are_status_1_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in.jsonl").write_bytes(orjson.dumps(ROW) + b'\n{"id": 1}\n')
    assert main(["convert", "in.jsonl", "out.jsonl", "--json"]) == 1
    report = orjson.loads(capsys.readouterr().out)
    assert (report["dropped"], report["dropped_file"]) == (1, "out.jsonl.dropped.jsonl")
    assert main(["convert", "in.jsonl", "out.jsonl", "--overwrite"]) == 1
    told = capsys.readouterr().out
    assert "dropped   1, with reasons in out.jsonl.dropped.jsonl" in told
    assert "no dialogue of any known format (fields: id)" in told
    Path("in.jsonl").write_bytes(orjson.dumps(ROW) + b"\n")
    assert main(["convert", "in.jsonl", "out.jsonl", "--overwrite"]) == 0
    assert not Path("out.jsonl.dropped.jsonl").exists()


def test_the_layouts_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "--list"]) == 0
    told = capsys.readouterr().out
    assert all(f"  {name} " in told for name in ("messages", "belle_chat", "psyqa", "hub"))


def test_an_empty_file_is_no_dialogues(capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty.json").write_bytes(b"")
    assert main(["convert", "empty.json", "out.parquet"]) == 0
    assert "written   0" in capsys.readouterr().out


def test_sample_split_by_seed_and_prefixes_are_heeded(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {**ROW, "id": str(n), "messages": [{"role": "user", "content": f"{n} {n * 7} {n * 13}"}]} for n in range(50)
    ]
    Path("many.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    assert main(["convert", "many.jsonl", "s.jsonl", "--sample", "20", "--split", "0.8/0.2", "--seed", "3"]) == 0
    assert len(Path("s.train.jsonl").read_bytes().splitlines()) == 16
    assert len(Path("s.test.jsonl").read_bytes().splitlines()) == 4
    assert "left out  30: not in the sample" in capsys.readouterr().out
    belle = [("Human:q\nAssistant:", "a"), ("Human:q\nAssistant:a\nHuman:r\nAssistant:", "b")]
    lines = [orjson.dumps({"instruction": one, "output": other}) + b"\n" for one, other in belle]
    Path("belle.json").write_bytes(b"".join(lines))
    assert main(["convert", "belle.json", "folded.jsonl"]) == 0
    assert "folded    1 rows that begin a longer dialogue" in capsys.readouterr().out
    assert main(["convert", "belle.json", "whole.jsonl", "--keep-prefixes"]) == 0
    assert len(Path("whole.jsonl").read_bytes().splitlines()) == 2


def test_the_same_from_python() -> None:
    from gen.api import convert

    report = convert("in.jsonl", out="out.parquet", to="sharegpt")
    assert report.written == {"out.parquet": 1}
    with pytest.raises(UsageError, match="overwrite"):
        convert("in.jsonl", out="out.parquet")
    with pytest.raises(UsageError, match="expected best, all, pairs"):
        convert("in.jsonl", out="other.parquet", tree_paths="none")


def test_openchats_token_files_hold_what_would_be_taught(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    small = tokenizer("openchat")
    small.save_pretrained(tmp_path / "tokenizer")
    rows = [ROW, {"id": "y", "messages": [{"role": "user", "content": "only asked"}]}]
    Path("two.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    argv = [
        "convert",
        "two.jsonl",
        "tokens.json",
        "--to",
        "openchat_tokens",
        "--tokenizer",
        str(tmp_path / "tokenizer"),
    ]
    assert main(argv) == 1
    assert "dropped   1" in capsys.readouterr().out
    ((ids, mask),) = orjson.loads(Path("tokens.json").read_bytes())
    assert len(ids) == len(mask)
    taught = small.decode([id for id, learned in zip(ids, mask, strict=True) if learned])
    assert taught.strip() == "a<|end_of_turn|>"
    assert "Human: q<|end_of_turn|>Assistant:" in small.decode(ids)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("in.jsonl", "t.json", "--to", "openchat_tokens"), "name a tokenizer or a model with --tokenizer"),
        (("in.jsonl", "t.parquet", "--to", "openchat_tokens", "--tokenizer", "x"), "writes .json"),
        (("in.jsonl", "t.json", "--to", "openchat_tokens", "--tokenizer", "none"), "none"),
    ],
)
def test_token_files_need_a_tokenizer(capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], said: str) -> None:
    assert said in refused(capsys, "convert", *argv)


def test_an_empty_part_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "in.jsonl", "out.jsonl", "--split", "0.9/0.1"]) == 0
    assert "warning   a part is empty" in capsys.readouterr().out


def test_template_and_context_of_token_files_are_heeded(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    small = tokenizer("vicuna")
    small.save_pretrained(tmp_path / "tokenizer")
    words = " ".join(["word"] * 40)
    turns = [{"role": role, "content": f"{words} {n}"} for n in range(3) for role in ("user", "assistant")]
    Path("long.jsonl").write_bytes(orjson.dumps({"id": "x", "messages": turns}) + b"\n")
    argv = ["convert", "long.jsonl", "--to", "openchat_tokens", "--tokenizer", str(tmp_path / "tokenizer")]
    assert main([*argv[:2], "whole.json", *argv[2:], "--template", "vicuna"]) == 0
    ((ids, _),) = orjson.loads(Path("whole.json").read_bytes())
    assert "USER: " in small.decode(ids)
    context = str(len(ids) - 1)
    assert main([*argv[:2], "split.json", *argv[2:], "--template", "vicuna", "--max-length", context]) == 0
    pieces = orjson.loads(Path("split.json").read_bytes())
    assert len(pieces) > 1
    assert all(len(piece) <= int(context) for piece, _ in pieces)


def test_files_that_are_named_twice_or_hold_nothing_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in.jsonl").write_bytes(orjson.dumps(ROW) + b"\n")
    Path("empty.json").write_text("[]")
    assert main(["convert", "in.jsonl", "empty.json", "./in.jsonl", "out.jsonl"]) == 0
    told = capsys.readouterr().out
    assert "note      in.jsonl: named twice, and read as often\n" in told
    assert "note      empty.json: no dialogue in it\n" in told


def test_thoughts_within_words_are_taken_apart_where_that_is_asked_for() -> None:
    spoken = {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "<think>t</think>\n\na"}]}
    Path("in.jsonl").write_bytes(orjson.dumps(spoken) + b"\n")
    for flags, wanted in (((), ("<think>t</think>\n\na", None)), (("--split-thoughts",), ("a", "t"))):
        assert main(["convert", "in.jsonl", "out.jsonl", "--overwrite", *flags]) == 0
        said = orjson.loads(Path("out.jsonl").read_bytes())["messages"][1]
        assert (said["content"], said.get("thoughts")) == wanted
