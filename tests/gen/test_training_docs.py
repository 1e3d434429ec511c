"""docs/training.md says what is so: settings that there are, fields that the server takes, files that are left."""

import re
import runpy
from pathlib import Path

import pytest
import small_models
import small_trainings
from test_adapters import LORA, made

from dialogue.errors import UsageError
from gen.api import merge
from gen.train_config import train_settings
from trainer.loop.request import WRITTEN
from trainer.serving.requests import HARMLESS, UNSUPPORTED, ChatRequest

TEXT = (Path(__file__).parents[2] / "docs/training.md").read_text("utf-8")
SET = re.compile(r"--set (?:'([^']+)'|([^\s`;,)|]+))")


def changes() -> list[str]:
    return sorted({one or other for one, other in SET.findall(TEXT)} - {"NAME=VALUE"})


@pytest.mark.parametrize("change", changes())
def test_every_setting_that_is_named_is_one(change: str) -> None:
    base = ["lora.r=8", "lora.alpha=16"] if change.startswith("lora.") else []
    base = ["train_on=user"] if change.startswith(("brief=", "endings=")) else base
    train_settings(["d.jsonl"], "out", flags={"model": "m"}, changes=[*base, change])


def test_the_pattern_finds_them() -> None:
    assert {"lora.r=16", "batch_tokens=131072", 'classes={"gpt-4"="GPT4", default="GPT3"}', "exact=400"} <= set(
        changes()
    )
    with pytest.raises(UsageError, match="batches"):
        train_settings(["d.jsonl"], "out", changes=["batches=packed"])


def test_the_fields_of_a_request_are_those_that_the_server_takes() -> None:
    rows = [
        line for line in TEXT.splitlines() if line.startswith("| `") and ("OpenAI has" in line or "vLLM has" in line)
    ]
    assert {*re.findall(r"`(\w+)`", "".join(rows)), "model"} == set(ChatRequest.model_fields)
    aside = next(line for line in TEXT.splitlines() if "left aside" in line)
    assert set(re.findall(r"`(\w+)`", aside)) == set(HARMLESS)
    refused = next(line for line in TEXT.splitlines() if "status 400 that names them" in line)
    assert set(re.findall(r"`(\w+)`", refused)) - {"text"} <= set(UNSUPPORTED)


def test_every_file_of_a_training_is_told() -> None:
    table = TEXT[TEXT.index("## What lies in the folder") : TEXT.index("## Ask it")]
    assert [name for name in WRITTEN if f"`{name}" not in table] == []


def test_the_python_that_is_shown_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "clean").mkdir()
    small_trainings.write(tmp_path / "clean" / "kept.jsonl", small_trainings.rows(40))
    (tmp_path / "prompts.txt").write_text("Who am I?\nI am Ada.\n")
    shape = small_trainings.SMALL.model_dump()
    (tmp_path / "project.toml").write_text(
        "[train]\nmax_length = 128\nmicro_tokens = 256\n[train.scratch]\n"
        + "".join(f"{name} = {value}\n" for name, value in shape.items())
    )
    (code,) = re.findall(r"```python\n(from gen\.api .*?)```", TEXT, re.DOTALL)
    (tmp_path / "shown.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    runpy.run_path("shown.py")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "4 fits"
    assert lines[1].endswith("models/first/model")
    assert lines[-1] == "2 0"
    assert len((tmp_path / "answers.jsonl").read_text().splitlines()) == 2


def test_adapters_are_merged_from_python(tmp_path: Path) -> None:
    place = small_models.base(tmp_path / "base")
    made(tmp_path / "a", place, LORA)
    about = merge(tmp_path / "a", out=tmp_path / "whole", dtype="float32")
    assert about["base"] == str(place)
    assert (tmp_path / "whole" / "config.json").exists()
