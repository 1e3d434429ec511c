"""gen stats, as a person and as a program read it."""

import argparse
import json
import sys
from pathlib import Path

import pytest

from dialogue.errors import UsageError
from gen.api import run
from gen.commands import stats
from gen.extras import extras_named
from gen.stats_text import interval, number


def called(*words: object) -> int:
    """The command's status."""
    parser = argparse.ArgumentParser()
    stats.arguments(parser)
    return stats.command(parser.parse_args([str(word) for word in words]))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "run"
    run(sector="world-questions", n=60, endpoint="builtin", out=folder)
    return folder


def test_a_run_is_told_in_tables(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(made) == 0
    out = capsys.readouterr().out
    assert f"{made}: 60 dialogues, " in out
    for part in ("rounds a dialogue", "MTLD 0.72", "with a question mark", "held facts let out", "UltraChat"):
        assert part in out
    assert "never to be compared with cosines of embeddings" in out
    assert "(a pass asks for 2,000 dialogues, these are 60)" in out
    assert "n/a: --against gives real dialogues" in out
    assert all(line == line.rstrip() for line in out.splitlines())


def test_the_figures_for_programs_are_one_json_object(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(made, "--json", "--by", "seed.extra.persona.traits.typing", "--sample", 40) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["dialogues"] == 60
    assert report["sample"]["dialogues"] == 40
    assert report["rounds"] * 2 == report["turns"]
    rows = {row["key"]: row for row in report["acceptance"]}
    assert rows["released"]["value"] == 100
    assert rows["resampled"]["value"] is not None, "the run's summary lies beside it"
    assert sum(group["dialogues"] for group in report["groups"].values()) == 60


def test_groups_are_told_in_a_line_each(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(made, "--by", "language") == 0
    lines = capsys.readouterr().out.splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("by language"))
    assert lines[head + 1].split()[:3] == ["en", "60", "60"]


def test_tokens_are_counted_by_the_tokenizer_that_was_named(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"?": 0}, unk_token="?"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    words.save(str(tmp_path / "tokenizer.json"))
    assert called(made, "--tokenizer", tmp_path, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["tokens"] == report["words"], "both are runs between white space here"
    assert report["tokenizer"] == str(tmp_path / "tokenizer.json")
    assert called(made, "--tokenizer", tmp_path) == 0
    assert "tokens an assistant turn" in capsys.readouterr().out


def test_texts_that_steer_a_terminal_are_not_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    messages = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    row = {"messages": messages, "sector": "\x1b[2J\u202eevil"}
    (tmp_path / "some.jsonl").write_text(f"{json.dumps(row)}\n" * 3)
    assert called(tmp_path / "some.jsonl", "--by", "sector") == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "evil" in out


def test_wrong_input_is_a_usage_error(made: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(UsageError, match=r"empty.jsonl: no dialogue in it"):
        called(tmp_path / "empty.jsonl")
    (tmp_path / "torn.jsonl").write_text('{"messages": 1}\n{"a": 1}\n')
    with pytest.raises(UsageError, match=r"torn.jsonl:1: messages: a number, expected a list of messages"):
        called(tmp_path / "torn.jsonl")
    (tmp_path / "other.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(UsageError, match=r"other.jsonl:1: no dialogue of any known format"):
        called(tmp_path / "other.jsonl")
    with pytest.raises(UsageError, match="--by colour"):
        called(made, "--by", "colour")
    with pytest.raises(SystemExit):
        called(made, "--sample", "0")


def test_without_scikit_learn_only_the_comparison_with_real_users_is_missing(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert called(made) == 0
    with pytest.raises((UsageError, ModuleNotFoundError), match="sklearn"), extras_named():
        called(made, "--against", made)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0, "0"), (3.0, "3"), (0.04832, "0.0483"), (2.4843, "2.48"), (341.44, "341.4"), (1467.4, "1,467")],
)
def test_numbers_have_the_digits_that_count(value: float | None, text: str) -> None:
    assert number(value) == text
    assert interval({"low": None, "high": 1.0}) == ""


def test_an_empty_file_among_others_is_said(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.jsonl").write_bytes((made / "dialogues.jsonl").read_bytes())
    (tmp_path / "b.jsonl").touch()
    assert called(tmp_path) == 0
    assert "b.jsonl: no dialogue in it" in capsys.readouterr().err
