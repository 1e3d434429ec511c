"""Every command that reads dialogues reads all that `gen convert` reads, or says in a line what to do."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow
import pyarrow.parquet
import pytest
from test_wrong_usage import refused

from gen.main import main

ASKED = "Why does dough rise so slowly in a cold kitchen?"
ANSWER = "Because yeast works slowly in the cold; give it an hour more, or a warmer place."
TALK = {"messages": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": ANSWER}]}
PAGE = {"items": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": f"<p>{ANSWER}</p>"}]}
TREE = [
    {"message_id": "1", "parent_id": None, "text": ASKED, "role": "prompter"},
    {"message_id": "2", "parent_id": "1", "text": ANSWER, "role": "assistant"},
]
MOSS = {
    "conversation_id": "1",
    "num_turns": 1,
    "chat": {"turn_1": {"Human": f"<|Human|>: {ASKED}<eoh>\n", "MOSS": f"<|MOSS|>: {ANSWER}<eom>\n"}},
}


def parquet(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def page(path: Path) -> None:
    data = orjson.dumps({"props": {"pageProps": {"content": PAGE}}})
    path.parent.mkdir()
    path.write_bytes(b'<script id="__NEXT_DATA__">' + data + b"</script>")


READ: dict[str, Callable[[], object]] = {
    "a.parquet": lambda: parquet(Path("a.parquet"), [TALK]),
    "hub": lambda: parquet(Path("hub/data/train-00000.parquet"), [TALK]),
    "a.csv": lambda: Path("a.csv").write_text(f'instruction,output\n"{ASKED}","{ANSWER}"\n'),
    "a.json": lambda: Path("a.json").write_bytes(orjson.dumps([TALK], option=orjson.OPT_INDENT_2)),
    "one.json": lambda: Path("one.json").write_bytes(orjson.dumps(TALK, option=orjson.OPT_INDENT_2)),
    "belle.json": lambda: Path("belle.json").write_bytes(
        orjson.dumps({"instruction": f"Human: {ASKED}\nAssistant:", "input": "", "output": ANSWER})
    ),
    "moss.json": lambda: Path("moss.json").write_bytes(orjson.dumps(MOSS)),
    "pages": lambda: page(Path("pages/a.html")),
    "tree.jsonl": lambda: Path("tree.jsonl").write_bytes(b"\n".join(map(orjson.dumps, TREE))),
    "tree.parquet": lambda: parquet(Path("tree.parquet"), [dict(row) for row in TREE]),
    "hc3.jsonl": lambda: Path("hc3.jsonl").write_bytes(
        orjson.dumps({"question": ASKED, "human_answers": [ANSWER], "chatgpt_answers": [ANSWER]})
    ),
}
COMMANDS = {
    "show": ("show",),
    "stats": ("stats",),
    "filter": ("filter", "--out", "made", "--workers", "1"),
    "contamination": ("contamination", "--out", "made", "--workers", "1", "--benchmark", "own.jsonl"),
    "train": ("train", "--recipe", "scratch-small", "--show", "1", "--out", "made"),
    "continue": ("run", "--sector", "continue", "--n", "1", "--endpoint", "builtin", "--out", "made", "--input"),
    "reanswer": ("run", "--sector", "reanswer", "--n", "1", "--endpoint", "builtin", "--out", "made", "--input"),
}


@pytest.fixture(autouse=True)
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.jsonl").write_bytes(b'{"question": "How deep is lake Baikal in the winter?", "answer": "1642"}')


def asked(command: str, path: str) -> tuple[str, ...]:
    name, *more = COMMANDS[command]
    return (name, *more, path) if more[-1:] == ["--input"] else (name, path, *more)


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_reads_every_kind_of_file(capsys: pytest.CaptureFixture[str], command: str, name: str) -> None:
    READ[name]()
    assert main(asked(command, name)) == 0, capsys.readouterr().err
    if command == "show":
        assert ASKED in capsys.readouterr().out
    if command == "filter":
        assert orjson.loads(Path("made/report.json").read_bytes())["read"] == 1


UNREAD: dict[str, tuple[bytes, str]] = {
    "a.jsonl.gz": (gzip.compress(b"{}", mtime=0), "a.jsonl.gz: packed with gzip; unpack it first"),
    "notes.txt": (b"Dear diary,\n", "notes.txt:1: not JSON"),
    "broken.json": (b'[{"messages": [}]', "broken.json:1: not JSON"),
    "ragged.csv": (b"instruction,output\na\n", "ragged.csv:2: 1 cells, expected 2"),
    "cut.parquet": (b"PAR1", "cut.parquet: no Parquet file that can be read"),
}


@pytest.mark.parametrize("name", UNREAD)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_no_command_reads_is_one_line_that_names_it(
    capsys: pytest.CaptureFixture[str], command: str, name: str
) -> None:
    content, says = UNREAD[name]
    Path(name).write_bytes(content)
    if command in ("filter", "contamination", "train"):  # these take their folder before they read
        assert main(asked(command, name)) == 2
        assert says in capsys.readouterr().err
    else:
        assert says in refused(capsys, *asked(command, name))


def test_a_table_of_dialogues_is_a_benchmark_of_an_evaluation(capsys: pytest.CaptureFixture[str]) -> None:
    parquet(Path("hub/data/train-00000.parquet"), [TALK])
    asked = ("--model", "builtin", "--benchmark", "hub", "--protocol", "dialogue", "--out", "made", "--dry-run")
    assert main(["evaluate", *asked]) == 0
    assert "1 requests" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_one_may_not_look_into_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    Path("closed").mkdir()
    stat = Path.stat

    def refusing(path: Path, **more: bool) -> os.stat_result:
        if path.parent.name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **more)

    monkeypatch.setattr(Path, "stat", refusing)  # whoever runs the suite may look into every folder
    assert main(asked(command, "closed")) == 2
    assert "closed: Permission denied" in capsys.readouterr().err
