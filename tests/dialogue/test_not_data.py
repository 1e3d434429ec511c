"""A folder of a training, an evaluation or a model is no corpus, and says where the dialogues lie."""

import json
from pathlib import Path

import pytest

from dialogue.conversion.rows import files
from dialogue.errors import UsageError
from gen.main import main
from trainer.loop.request import NAME


def training(path: Path, data: list[str]) -> Path:
    (path / "data").mkdir(parents=True)
    (path / "data" / "store.json").write_text("{}")
    (path / NAME).write_text(json.dumps({"asked": {}, "data": [{"path": one, "sha256": "x"} for one in data]}))
    (path / "log.jsonl").write_text("{}\n")
    return path


@pytest.mark.parametrize("command", [["stats"], ["show"], ["filter", "--out", "o"], ["contamination", "--out", "o"]])
def test_a_command_for_dialogues_names_those_that_a_training_was_taught(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = training(tmp_path / "first", ["clean/kept.jsonl"])
    Path("b.jsonl").write_text('{"question": "x", "answer": "y"}\n')
    more = ["--benchmark", "gsm8k=b.jsonl"] if command[0] == "contamination" else []
    assert main([command[0], str(folder), *command[1:], *more]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f"{folder}: a training's folder (gen train); its dialogues are clean/kept.jsonl")


def test_a_training_names_what_it_held_out_and_not_too_much(tmp_path: Path) -> None:
    folder = training(tmp_path / "first", [f"{name}.jsonl" for name in "abcde"])
    (folder / "data" / "held.jsonl").write_text("")
    with pytest.raises(UsageError, match=r"are a.jsonl, b.jsonl, c.jsonl and 2 more; those it held out: .*held.jsonl"):
        files(folder)
    assert files(folder / "data" / "held.jsonl")
    (folder / NAME).write_text("{torn")
    with pytest.raises(UsageError, match="its dialogues are elsewhere"):
        files(folder)


def test_an_evaluation_names_the_dialogues_that_were_played(tmp_path: Path) -> None:
    (tmp_path / "evaluate.json").write_text("{}")
    (tmp_path / "answers.jsonl").write_text("{}\n")
    with pytest.raises(UsageError, match=r"an evaluation's folder \(gen evaluate\); it holds answers"):
        files(tmp_path)
    played = tmp_path / "play" / "tiny"
    played.mkdir(parents=True)
    (played / "dialogues.jsonl").write_text("")
    with pytest.raises(UsageError, match=r"the dialogues that were played are .*tiny"):
        files(tmp_path)
    assert files(played)


def test_a_model_is_told(tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(UsageError, match="a model's folder"):
        files(tmp_path)
