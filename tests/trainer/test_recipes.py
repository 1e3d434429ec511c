"""Every recipe trains: a step of each on a small random model of the family that it was made for."""

import json
from pathlib import Path
from typing import Any

import pytest
from small_models import asked, base, shake, tokenizer
from transformers import CodeGenConfig, CodeGenForCausalLM, GPTBigCodeConfig, GPTBigCodeForCausalLM

from gen.train_config import train_settings
from trainer.loop.model_files import write_adapter
from trainer.loop.train import train
from trainer.nets.base import load, open_model
from trainer.recipes import names, recipe
from trainer.stages import stages

TALKS = [
    [("user", "Where do I live?"), ("assistant", "You live in Warsaw."), ("user", "Sure?"), ("assistant", "Yes.")],
    [("user", "1 + 2 = ?"), ("assistant", "1 + 2 = 3")],
    [("system", "Be brief."), ("user", "I live in Warsaw."), ("assistant", "I hear that Warsaw is nice.")],
]


def data(folder: Path, name: str = "data.jsonl") -> Path:
    path = folder / name
    rows = ({"messages": [{"role": role, "content": text} for role, text in talk]} for talk in TALKS * 3)
    path.write_text("".join(json.dumps({"id": f"t-{n}", **row}) + "\n" for n, row in enumerate(rows)))
    return path


def codegen(rows: int) -> CodeGenForCausalLM:
    shape = CodeGenConfig(vocab_size=rows, n_positions=2048, n_ctx=2048, n_embd=32, n_layer=1, n_head=4, rotary_dim=4)
    return CodeGenForCausalLM(shape)


def starcoder(rows: int) -> GPTBigCodeForCausalLM:
    return GPTBigCodeForCausalLM(GPTBigCodeConfig(vocab_size=rows, n_positions=8192, n_embd=32, n_layer=1, n_head=4))


def model_for(name: str, folder: Path) -> str | None:
    """A model of the kind that the recipe was made for; None where it makes its own."""
    if "base" not in recipe(name):
        return None
    family = {"moss": codegen, "opencoderplus": starcoder}.get(name)
    place = base(folder / "base", make=family) if family else base(folder / "base", max_position_embeddings=2048)
    if name != "baize-sdf":
        return str(place)
    first = train_settings(["d"], folder / "first", recipe_name="baize-7b", flags={"model": str(place)})
    model = load(asked(folder, model=str(place), lora=first.lora), tokenizer(), ())
    shake(model)
    (folder / "adapter").mkdir()
    write_adapter(folder / "adapter", model, str(place))
    tokenizer().save_pretrained(folder / "adapter")
    return str(folder / "adapter")


@pytest.mark.parametrize("name", names())
def test_a_step_of_the_recipe_is_taken_and_the_model_that_it_leaves_opens(tmp_path: Path, name: str) -> None:
    flags: dict[str, Any] = {}
    if (model := model_for(name, tmp_path)) is not None:
        flags["model"] = model
    named = [f"{stage['name']}=" for stage in recipe(name).get("stages", ())] or [""]
    given = [f"{start}{data(tmp_path, f'd{number}.jsonl')}" for number, start in enumerate(named)]
    whole = train_settings(given, tmp_path / "out", recipe_name=name, flags=flags)
    for stage in stages(whole):
        one = stage.model_copy(update={"max_steps": 1, "validation": 0.0, "samples": 0})
        summary = train(one, lambda _line: None)
        assert summary["steps"] == 1
    trained = open_model(tmp_path / "out")
    assert trained.generation_config.do_sample is True
    assert trained.generation_config.temperature == whole.decoding.temperature
