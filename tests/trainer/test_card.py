"""The card of a model says what it was made of."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from small_models import asked, base
from small_trainings import toy

from trainer.batches.sources import sources
from trainer.loop.card import card
from trainer.loop.merged_card import merged_card
from trainer.loop.origins import origins
from trainer.loop.train import train
from trainer.settings import Decoding, LoraSettings
from trainer.text.audit import Audit

SUMMARY = {"steps": 1200, "epochs": 3.0, "eval_loss": 0.034, "exact_replies": 0.926, "n": 400, "status": 0}
STORE: Any = SimpleNamespace(lines=Audit(dialogues=3, examples=3, tokens=90, taught=30, longest=40).lines)


def run_folder(folder: Path, **endpoint: object) -> Path:
    folder.mkdir()
    facts = {"endpoints": {"main": {"model": "gpt-x", "base_url": ["https://secret.example/v1"], **endpoint}}}
    (folder / "run.json").write_text(json.dumps({"settings": {}, "facts": facts}))
    (folder / "dialogues.jsonl").write_text("{}\n")
    return folder


def filtered(folder: Path, of: Path) -> Path:
    folder.mkdir()
    (folder / "filter.json").write_text(json.dumps({"inputs": [str(of)]}))
    (folder / "kept.jsonl").write_text("{}\n")
    return folder


def test_terms_are_followed_through_the_filter_to_the_run_that_wrote_the_data(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "wq", terms="no competing models")
    kept = filtered(tmp_path / "clean", run)
    found = card(asked(tmp_path, data=(kept,)), STORE, sources([kept]), SUMMARY)
    assert "clean/kept.jsonl: written by gpt-x (no competing models)" in found
    assert "secret.example" not in found
    assert str(tmp_path) not in found
    assert [origin.folder for origin in origins(kept / "kept.jsonl")] == ["wq"]


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text("{}\n")
    found = card(asked(tmp_path, data=(tmp_path / "d.jsonl",)), STORE, sources([tmp_path / "d.jsonl"]), SUMMARY)
    assert "its origin is not known here" in found
    assert "license" not in found.split("---")[1]


def test_the_head_is_yaml_with_base_and_licence(tmp_path: Path) -> None:
    import yaml

    place = base(tmp_path / "some-base")
    (place / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Some base\n")
    (tmp_path / "d.jsonl").write_text("{}\n")
    settings = asked(
        tmp_path, data=(tmp_path / "d.jsonl",), model=str(place), lora=LoraSettings(r=2, alpha=4), recipe="baize-7b"
    )
    found = card(settings, STORE, sources([tmp_path / "d.jsonl"]), SUMMARY)
    head = yaml.safe_load(found.split("---")[1])
    assert (head["base_model"], head["license"], head["library_name"]) == ("some-base", "apache-2.0", "peft")
    for part in (
        "exact_replies | 0.926",
        "eval_loss | 0.034",
        "baize-7b",
        "sha256",
        "LoRA adapter of rank 2",
        '"r": 2',
    ):
        assert part in found
    assert str(tmp_path) not in found


def test_a_base_that_a_training_made_bears_the_name_of_the_training(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text("{}\n")
    base(tmp_path / "first-round" / "model")
    (tmp_path / "first-round" / "train.json").write_text("{}")
    settings = asked(tmp_path, data=(tmp_path / "d.jsonl",), model=str(tmp_path / "first-round"))
    found = card(settings, STORE, sources([tmp_path / "d.jsonl"]), SUMMARY)
    assert 'base_model: "first-round"' in found
    assert "first-round, fine-tuned" in found
    base(tmp_path / "q" / "model")
    other = card(
        settings.model_copy(update={"model": str(tmp_path / "q")}), STORE, sources([tmp_path / "d.jsonl"]), SUMMARY
    )
    assert 'base_model: "model"' in other


def test_a_circle_of_folders_ends(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "filter.json").write_text(json.dumps({"inputs": [str(tmp_path / "a")]}))
    (tmp_path / "a" / "run.json").write_text("[1]")
    assert origins(tmp_path / "a") == []


@pytest.mark.parametrize("lora", [None, LoraSettings(r=2, alpha=4), LoraSettings(r=2, alpha=4, dora=True)])
def test_the_way_to_use_a_model_that_its_card_shows_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lora: LoraSettings | None
) -> None:
    """Trained on a base whose tokenizer has not the template's tokens, so that rows are added."""
    where = str(base(tmp_path / "m", template="vicuna", max_position_embeddings=256))
    settings = toy(tmp_path, model=where, lora=lora, max_steps=1, decoding=Decoding(max_new_tokens=4))
    train(settings, lambda _: None)
    text = (settings.out / "model" / "README.md").read_text()
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(program.replace("THIS_FOLDER", str(settings.out / "model")), {})
    assert capsys.readouterr().out
    assert ("AutoPeftModelForCausalLM.from_pretrained" in program) == (lora is not None)


def test_a_file_in_the_working_directory_is_called_by_its_name_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = toy(Path(), max_steps=1)
    train(settings, lambda _: None)
    assert re.search(r"^\| data\.jsonl \| \w{16} \|$", (settings.out / "model" / "README.md").read_text(), re.MULTILINE)


def test_the_card_of_a_merged_model_of_the_users_side_asks_it_as_it_was_taught(tmp_path: Path) -> None:
    (tmp_path / "duologue.json").write_text('{"settings": {"train_on": "user"}}')
    adapter = {"folder": str(tmp_path), "dora": False, "r": 8, "hash": "00"}
    card = merged_card("users", "some/base", [adapter], tmp_path)
    assert "It was taught the user's side" in card
    assert '"role": "system", "content": "Hello"' in card
    (tmp_path / "duologue.json").write_text('{"settings": {"train_on": "all"}}')
    assert '"role": "user", "content": "Hello"' in merged_card("whole", "some/base", [adapter], tmp_path)
