"""A model's folder with a broken file is refused in one line that names the file's place, never with a traceback."""

import json
from pathlib import Path

import pytest
import small_models

from dialogue.errors import UsageError
from trainer.loop import checkpoint
from trainer.nets.base import load
from trainer.nets.merge import merge
from trainer.serving.loading import opened
from trainer.settings import LoraSettings
from trainer.text.render import renderer


def folder(place: Path, lora: LoraSettings | None = None) -> Path:
    """A model, or an adapter, as a training leaves it."""
    base = small_models.base(place / "base")
    asked = small_models.asked(place, model=str(base), lora=lora)
    tokenizer = small_models.tokenizer()
    model = load(asked, tokenizer, ())
    checkpoint.save(place / "out", model, tokenizer, renderer(tokenizer, asked), asked, "# card\n")
    return place / "out"


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "duologue.json", "generation_config.json", "tokenizer.json"]
)
def test_a_broken_file_of_a_model(name: str, tmp_path: Path) -> None:
    broken = folder(tmp_path)
    (broken / name).write_bytes((broken / name).read_bytes()[:20])
    with pytest.raises(UsageError) as refused:
        opened(broken)
    assert "\n" not in str(refused.value)
    assert str(broken) in str(refused.value)


@pytest.mark.parametrize(
    "name", ["adapter_model.safetensors", "adapter_config.json", "duologue.json", "generation_config.json"]
)
def test_a_broken_file_of_an_adapter(name: str, tmp_path: Path) -> None:
    broken = folder(tmp_path, LoraSettings(r=2, alpha=4))
    (broken / name).write_bytes((broken / name).read_bytes()[:20])
    with pytest.raises(UsageError) as refused:
        opened(broken)
    assert "\n" not in str(refused.value)
    assert str(broken) in str(refused.value)
    if name.startswith("adapter"):
        with pytest.raises(UsageError, match=name.partition(".")[0]):
            merge([str(broken)], tmp_path / "merged")


def test_a_model_of_another_version_whose_settings_are_unknown_is_refused(tmp_path: Path) -> None:
    newer = folder(tmp_path)
    facts = json.loads((newer / "duologue.json").read_text())
    facts["settings"]["not_thought_of_yet"] = 1
    (newer / "duologue.json").write_text(json.dumps(facts))
    with pytest.raises(UsageError, match=r"duologue\.json: settings\.not_thought_of_yet") as refused:
        opened(newer)
    assert "\n" not in str(refused.value)
