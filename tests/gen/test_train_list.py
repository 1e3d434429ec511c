"""`gen train --list`, and the page of settings that is made from the code."""

from pathlib import Path

import pytest

from gen.main import main
from gen.train_config import train_settings
from gen.train_reference import page
from trainer import recipes
from trainer.settings import (
    Decoding,
    LoraSettings,
    RopeSettings,
    ScratchSettings,
    Settings,
    TrainSettings,
)

ROOT = Path(__file__).parents[2]


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(["train", "--list", *words]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", recipes.names())
def test_what_is_listed_is_the_toml_of_the_same_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    model = {"model": "some/model"} if "base" in recipes.recipe(name) else {}
    asked = train_settings(["d.jsonl"], "out", recipe_name=name, flags=model)
    (tmp_path / "p.toml").write_text(listed(capsys, "--recipe", name))
    assert train_settings(["d.jsonl"], "out", config=tmp_path / "p.toml", flags=model) == asked


def test_it_needs_neither_data_nor_a_model_and_names_what_has_to_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    lines = listed(capsys, "--recipe", "vicuna", "--set", "lr=1e-5").splitlines()
    assert {"# data: to be given", "# out: to be given", "# model: to be given", "lr = 0.00001"} <= set(lines)
    assert lines[0].startswith("# recipes: alpaca, ")
    assert "chatml" in lines[1]
    assert "# model: not set" in listed(capsys)


def test_tables_with_any_key_can_be_given_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = listed(capsys, "--model", "m", "--set", 'classes={"gpt-4.1" = "GPT4", default = "GPT3"}')
    assert '[train.classes]\n"gpt-4.1" = "GPT4"\ndefault = "GPT3"\n' in text
    assert "[train.scratch]" not in text
    (tmp_path / "p.toml").write_text(text)
    found = train_settings(["d.jsonl"], "out", config=tmp_path / "p.toml")
    assert found.classes == {"gpt-4.1": "GPT4", "default": "GPT3"}


@pytest.mark.parametrize("other", [["--show", "2"], ["--plan"], ["--json"], ["--auto-batch"]])
def test_a_list_is_nothing_else_besides(capsys: pytest.CaptureFixture[str], other: list[str]) -> None:
    assert main(["train", "--list", *other]) == 2
    assert f"--list and {other[0]}: leave one of them out" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [TrainSettings, ScratchSettings, LoraSettings, RopeSettings, Decoding])
def test_every_setting_says_what_it_is(kind: type[Settings]) -> None:
    assert [name for name, field in kind.model_fields.items() if not field.description] == []


def test_the_page_of_settings_is_that_of_the_code() -> None:
    written = (ROOT / "docs/training-settings.md").read_text("utf-8")
    assert written == page(), "run: python -m gen.train_reference > docs/training-settings.md"
