"""What reaches a terminal: nothing that steers it, and colour only where it is wanted."""

import io
import json
from pathlib import Path

import pytest

from gen.main import main
from gen.progress import Progress
from gen.terminal import ARROWS, BRACKETS, marks, safe


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def _stream(encoding: str = "utf-8", kind: type[io.TextIOWrapper] = io.TextIOWrapper) -> io.TextIOWrapper:
    return kind(io.BytesIO(), encoding=encoding)


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_colour_is_for_terminals_that_have_it_and_owners_who_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert marks(_stream(kind=Terminal)) is None
    assert marks(_stream()) == BRACKETS
    assert marks(_stream("ascii")) == marks(_stream("latin-1")) == ARROWS
    monkeypatch.setenv("TERM", "dumb")
    assert marks(_stream(kind=Terminal)) == BRACKETS
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert marks(_stream(kind=Terminal)) == BRACKETS
    assert marks(_stream("ascii", Terminal)) == ARROWS


def test_what_steers_is_replaced_and_line_breaks_stay() -> None:
    assert safe("a\x1b[2Jb\r\nc\td\u202ee\x9b") == "a\ufffd[2Jb\nc\td\ufffde\ufffd"


def test_a_note_of_a_long_command_steers_nothing_either() -> None:
    file = io.StringIO()
    Progress(file=file).say("refused: 1 (the first: \x1b[2J)")
    assert file.getvalue() == "refused: 1 (the first: \ufffd[2J)\n"


@pytest.mark.parametrize("more", [(), ("--set", "overflow=refuse", "--max-length", "16")])
def test_ids_of_others_do_not_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    words = "".join(map(chr, range(33, 91)))  # many tokens
    talks = [[("user", words)], [("user", "\x1b[2J" + words), ("assistant", "\x1b]0;a\x07" + words)]]
    rows = [
        {"id": f"\x1b[2J{number}", "messages": [{"role": role, "content": said} for role, said in talk]}
        for number, talk in enumerate(talks)
    ]
    data = tmp_path / "d.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    asked = ("train", str(data), "--show", "9", "--set", "train_on=assistant", "--template", "marks", *more)
    status = main([*asked, "--out", str(tmp_path / "o"), "--set", "scratch.vocabulary=300"])
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert "\x07" not in out + err
    if more:
        assert status == 2
        assert "dialogue \ufffd[2J0: " in err
    else:
        assert status == 0
        assert f"refused, nothing to learn: 1 (the first: {data}:1 (\ufffd[2J0))" in err
        assert r"\x1b[2J1: " in out
