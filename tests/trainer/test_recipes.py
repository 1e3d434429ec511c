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


SIX = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "down_proj")
BAIZE = {
    "template": "baize", "max_length": 1024, "epochs": 1, "batch": 64, "schedule": "linear", "warmup_steps": 100,
    "validation": 2000, "eval_every": 200, "save_every": 200, "train_on": "assistant",
    "lora": {"r": 8, "alpha": 16, "dropout": 0.05, "targets": SIX}, "decoding": {"temperature": 1.0, "top_p": 0.95},
}  # fmt: skip
OPENCHAT = {
    "template": "openchat", "max_length": 2048, "epochs": 5, "batch": 128, "lr": 2e-5, "schedule": "cosine",
    "warmup_ratio": 0.03, "weight_decay": 0, "clip": 1.0, "validation": 0.01, "seed": 42, "new_embeddings": "mean",
    "train_on": "assistant", "gradient_checkpointing": True, "decoding": {"temperature": 0.7, "top_p": 0.9},
}  # fmt: skip
ALPACA = {
    "template": "alpaca", "max_length": 512, "epochs": 3, "batch": 128, "lr": 2e-5, "schedule": "cosine",
    "warmup_ratio": 0.03, "weight_decay": 0, "train_on": "assistant",
}  # fmt: skip
BELLE = {
    "template": "belle", "max_length": 2048, "epochs": 3, "batch": 32, "lr": 5e-6, "schedule": "cosine",
    "warmup_ratio": 0.03, "weight_decay": 0, "seed": 1234, "train_on": "assistant",
}  # fmt: skip
FACTS: dict[str, dict[str, Any]] = {
    "ultralm": {
        "template": "ultralm", "max_length": 2048, "epochs": 3, "batch": 512, "lr": 1e-5, "schedule": "cosine",
        "warmup_ratio": 0.03, "weight_decay": 0, "clip": 1.0, "train_on": "assistant",
        "decoding": {"temperature": 0.5, "top_p": 0.95, "max_new_tokens": 2000},
    },
    "baize-7b": {**BAIZE, "lr": 2e-4},
    "baize-13b": {**BAIZE, "lr": 1e-4},
    "baize-30b": {**BAIZE, "lr": 5e-5},
    "baize-sdf": {**BAIZE, "lr": 2e-4, "lora": {**BAIZE["lora"], "onto": "freeze"}},
    "openchat": OPENCHAT,
    "openchat-8192": {**OPENCHAT, "max_length": 8192, "rope": {"context": 8192, "kind": "extrapolate"}},
    "opencoderplus": {**OPENCHAT, "template": "opencoderplus", "max_length": 8192},
    "belle-full": BELLE,
    "belle-math-increment": {**BELLE, "lr": 5e-7, "epochs": 2},
    "belle-lora": {
        **BELLE, "max_length": 1024, "epochs": 10, "batch": 8, "lr": 3e-4, "warmup_ratio": 0.01,
        "lora": {"r": 16, "alpha": 32, "dropout": 0.05, "targets": "all-linear"},
    },
    "dreamergpt-chain": {
        "template": "alpaca-lora", "max_length": 512, "epochs": 3, "batch": 256, "lr": 1e-4, "schedule": "linear",
        "warmup_steps": 100, "eval_every": 200, "save_every": 200, "keep": 3,
        "lora": {"r": 8, "alpha": 16, "dropout": 0.05, "targets": ("q_proj", "v_proj")},
        "decoding": {"temperature": 0.1, "top_p": 0.75, "top_k": 40, "max_new_tokens": 2048},
    },
    "moss": {
        "template": "moss", "train_on": "all", "thoughts": "keep", "max_length": 2048, "epochs": 2, "lr": 9e-6,
        "warmup_ratio": 0.05, "weight_decay": 0.1,
        "decoding": {"temperature": 0.7, "top_p": 0.8, "repetition_penalty": 1.02},
    },
    "vicuna": {**ALPACA, "template": "vicuna", "max_length": 2048},
    "alpaca": ALPACA,
    "wizardlm": {
        "template": "vicuna", "max_length": 2048, "epochs": 3, "batch": 64, "lr": 2e-5, "schedule": "cosine",
        "warmup_steps": 2, "train_on": "assistant",
    },
    "scratch-small": {
        "train_on": "all", "batch_tokens": 1536, "lr": 4e-3, "betas": (0.9, 0.98), "weight_decay": 0.1, "clip": 1.0,
        "warmup_steps": 30, "schedule": "flat_then_linear", "flat_ratio": 0.4, "final_lr_ratio": 0.05,
        "dtype": "float32", "scratch": {"width": 128, "layers": 2, "vocabulary": 765},
    },
}  # fmt: skip
"""What the seed systems published (or, where a recipe says so, what is assumed), by recipe."""


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
    for field, value in whole.decoding.model_dump().items():
        assert getattr(trained.generation_config, field) == value, field


def _agrees(asked: Any, fact: Any) -> bool:
    return all(_agrees(asked[key], value) for key, value in fact.items()) if isinstance(fact, dict) else asked == fact


@pytest.mark.parametrize("name", names())
def test_a_recipe_holds_what_its_system_published(tmp_path: Path, name: str) -> None:
    flags = {"model": "m"} if "base" in recipe(name) else {}
    given = [f"{stage['name']}=d" for stage in recipe(name).get("stages", ())] or ["d"]
    asked_for = train_settings(given, tmp_path, recipe_name=name, flags=flags).model_dump()
    wrong = {key: (asked_for[key], fact) for key, fact in FACTS[name].items() if not _agrees(asked_for[key], fact)}
    assert wrong == {}


def test_the_stages_of_dreamergpt_learn_from_instructions_from_the_second_on(tmp_path: Path) -> None:
    given = [f"{stage['name']}=d" for stage in recipe("dreamergpt-chain")["stages"]]
    found = stages(train_settings(given, tmp_path, recipe_name="dreamergpt-chain", flags={"model": "m"}))
    assert [(stage.train_on, stage.validation) for stage in found] == [
        ("assistant", 2000), ("all", 200), ("all", 200), ("all", 500),
    ]  # fmt: skip
