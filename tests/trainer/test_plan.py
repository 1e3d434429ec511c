"""The plan of a training: what it counts is what is held, what it proposes fits."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import small_models
import small_trainings
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from dialogue.errors import UsageError
from trainer.batches.collate import Batch, collate
from trainer.loop.needs import Needs, needs_of
from trainer.loop.plan import plan, plans
from trainer.loop.ready import prepared
from trainer.nets import adapters
from trainer.nets.footprint import footprint, saved_bytes
from trainer.settings import LoraSettings, TrainSettings

SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 300,
    "tie_word_embeddings": False,
}
FAMILIES = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE)),
    "qwen": lambda: Qwen3ForCausalLM(Qwen3Config(**SHAPE, head_dim=16)),
    "mixtral": lambda: MixtralForCausalLM(MixtralConfig(**SHAPE, num_local_experts=4, num_experts_per_tok=2)),
    "gpt2": lambda: GPT2LMHeadModel(
        GPT2Config(vocab_size=300, n_embd=64, n_layer=4, n_head=4, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)
    ),
}
H200_PEAKS_GIB = {
    # width, heads, mlp, tokens at once: bfloat16 autocast, compiled layers, 24 blocks, 32,000 words, not tied
    (2048, 16, 5504, 32_768): 73.0,
    (2048, 16, 5504, 65_536): 122.1,
    (1024, 8, 2816, 32_768): 34.9,
    (1024, 8, 2816, 65_536): 57.2,
}


def packed(lengths: list[int]) -> Batch:
    return collate((tuple(range(len(lengths))),), small_trainings.examples(lengths), 0)


def settings(**changes: object) -> TrainSettings:
    return TrainSettings.model_validate({"data": (), "out": "out", "max_length": 128, **changes})


def on_meta(family: str, lora: LoraSettings | None = None) -> torch.nn.Module:
    with torch.device("meta"):
        model = FAMILIES[family]()
        if lora is not None:
            adapters.add(model, lora)
    return model


@pytest.mark.parametrize(
    ("family", "lora", "dtype"),
    [
        ("llama", None, "float32"),
        ("llama", None, "bfloat16"),
        ("llama", LoraSettings(r=4, alpha=8, dropout=0.1), "bfloat16"),
        ("qwen", None, "bfloat16"),
        ("gpt2", None, "float32"),
        ("mixtral", None, "float32"),
        ("mixtral", None, "bfloat16"),
        ("mixtral", LoraSettings(r=4, alpha=8), "float32"),
    ],
    ids=[
        "llama",
        "llama in halves",
        "llama with an adapter",
        "qwen in halves",
        "gpt2",
        "mixtral",
        "mixtral in halves",
        "mixtral with an adapter",
    ],
)
def test_activations_are_what_autograd_keeps_of_real_documents(
    family: str, lora: LoraSettings | None, dtype: str
) -> None:
    asked = settings(dtype=dtype)
    torch.manual_seed(0)
    model = FAMILIES[family]()
    if lora is not None:
        adapters.add(model, lora)
    learner = prepared(model, asked, torch.device("cpu"))
    lengths = [100, 60, 128, 30, 80]
    batch = packed(lengths)
    with saved_bytes(model) as kept, torch.autocast("cpu", learner.dtype, enabled=dtype == "bfloat16"):
        learner.hidden(batch)
    found = footprint(on_meta(family, lora), learner.dtype)
    foreseen = found.activations(sum(lengths), recomputed=False) + found.copies(recomputed=False)
    assert foreseen == pytest.approx(sum(kept.values()), rel=0.25)


def test_with_gradient_checkpointing_a_block_keeps_what_flows_into_it() -> None:
    found = footprint(on_meta("llama"), torch.float32)
    whole, less = (found.activations(1000, recomputed=way) for way in (False, True))
    assert less == pytest.approx(whole - 1000 * (3 * found.block - 4 * 64 * 4))
    assert found.stream == 64 * 4


def llama_of(width: int, heads: int, mlp: int) -> Needs:
    with torch.device("meta"):
        config = LlamaConfig(
            hidden_size=width,
            num_hidden_layers=24,
            num_attention_heads=heads,
            intermediate_size=mlp,
            vocab_size=32_000,
            tie_word_embeddings=False,
        )
        model = LlamaForCausalLM(config)
    return needs_of(model, settings(compile=True), gpu=True, taught=1 / 3)


@pytest.mark.parametrize(("width", "heads", "mlp", "tokens"), H200_PEAKS_GIB)
def test_peaks_measured_on_an_h200_are_foreseen(width: int, heads: int, mlp: int, tokens: int) -> None:
    foreseen = llama_of(width, heads, mlp).memory(tokens, recomputed=False)
    assert foreseen.total == pytest.approx(H200_PEAKS_GIB[width, heads, mlp, tokens], rel=0.15)
    parts = foreseen.model_dump(exclude={"total", "activations_checkpointed"})
    assert sum(parts.values()) == pytest.approx(foreseen.total, abs=1e-2)
    assert foreseen.moments == pytest.approx(2 * foreseen.weights, rel=1e-3)


def test_of_a_frozen_base_there_are_neither_gradients_nor_moments() -> None:
    lora = LoraSettings(r=4, alpha=8, targets=("q_proj", "v_proj"))
    trained = 4 * (4 * (64 + 64) + 4 * (64 + 32))  # blocks times q's and v's two matrices
    asked = settings(model="m", lora=lora)
    found = needs_of(on_meta("llama", lora), asked, gpu=True, taught=1.0)
    assert found.trained == trained
    memory, whole = found.memory(512, recomputed=False), needs_of(on_meta("llama"), asked, gpu=True, taught=1.0)
    assert memory.moments == pytest.approx(8 * trained / 2**30, abs=1e-4)
    assert found.frozen_bytes == 2 * whole.trained, "the base is bfloat16 on a GPU"
    assert needs_of(on_meta("llama", lora), asked, gpu=False, taught=1.0).frozen_bytes == 4 * whole.trained
    quarter = settings(model="m", lora=lora.model_copy(update={"bits": 4}))
    assert needs_of(on_meta("llama", lora), quarter, gpu=True, taught=1.0).frozen_bytes == whole.trained / 2


def test_a_plan_tells_what_the_training_then_does(tmp_path: Path) -> None:
    from trainer.loop.train import train

    asked = small_trainings.toy(tmp_path, validation=0.1, max_steps=None, epochs=2.5, batch_tokens=1024)
    foreseen = plan(asked)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.jsonl"]
    summary = train(asked, lambda _line: None)
    assert foreseen.steps == summary["steps"]
    assert foreseen.tokens_a_step * foreseen.steps == pytest.approx(summary["useful_tokens"], rel=0.02)
    assert foreseen.epochs == pytest.approx(summary["epochs"])
    assert foreseen.tokens == summary["audit"]["tokens"] - sum(held_lengths(asked.out))
    assert foreseen.parameters.all == foreseen.parameters.trained == summary["parameters"]
    assert (foreseen.dialogues, foreseen.examples + foreseen.held_out) == (120, summary["audit"]["examples"])
    assert foreseen.verdict == "fits"
    assert foreseen.flops == pytest.approx(foreseen.hours * 3600 * foreseen.flops_per_s * foreseen.utilisation)


def held_lengths(out: Path) -> list[int]:
    from trainer.batches.store import Store

    store = Store(out / "data")
    return store.lengths[store.held].tolist()


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> TrainSettings:
    folder = tmp_path_factory.mktemp("planned")
    small_models.base(folder / "base", hidden_size=64, num_hidden_layers=8, max_position_embeddings=2048)
    chosen = {"model": str(folder / "base"), "max_length": 1024, "micro_tokens": 16_384, "out": folder / "out"}
    return TrainSettings.model_validate(
        {"data": (small_trainings.write(folder / "d.jsonl", small_trainings.rows(20)),), **chosen}
    )


def flagged(asked: TrainSettings, text: str) -> TrainSettings:
    """The settings with the flags of a proposal."""
    words = text.split()
    changes: dict[str, object] = {}
    if "--micro-tokens" in words:
        changes["micro_tokens"] = int(words[words.index("--micro-tokens") + 1])
    if "--max-length" in words:
        changes["max_length"] = int(words[words.index("--max-length") + 1])
    if "--gradient-checkpointing" in words:
        changes["gradient_checkpointing"] = True
    if "lora.r=16" in words:
        changes["lora"] = LoraSettings(r=16, alpha=32)
    return TrainSettings.model_validate({**asked.model_dump(), **changes})


def test_what_does_not_fit_is_told_with_settings_that_do(asked: TrainSettings) -> None:
    memory = plan(asked, device_memory_gib=10).memory_gib
    kinds = set()
    for share in (0.9, 0.05, 0.03, 0.01):
        size = memory.total * share
        found = plan(asked, device_memory_gib=size)
        assert found.verdict == "does not fit"
        assert found.try_instead
        for text in found.try_instead:
            if text.startswith("--"):
                kinds.add(" ".join(word for word in text.split() if not word.isdecimal()))
                assert plan(flagged(asked, text), device_memory_gib=size).verdict == "fits", text
    assert {"--micro-tokens", "--gradient-checkpointing", "--micro-tokens --gradient-checkpointing"} <= kinds
    assert plan(asked, device_memory_gib=memory.total / 0.9).verdict == "fits"
    assert plan(asked, device_memory_gib=1e-6).try_instead == ("a smaller model",)


def test_where_an_adapter_does_not_fit_its_base_in_four_bits_is_proposed(tmp_path: Path) -> None:
    shape = {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 12, "max_position_embeddings": 2048}
    small_models.base(tmp_path / "base", **shape)
    data = (small_trainings.write(tmp_path / "d.jsonl", small_trainings.rows(20)),)
    chosen = {"model": str(tmp_path / "base"), "max_length": 64, "micro_tokens": 64, "gradient_checkpointing": True}
    asked = TrainSettings.model_validate({"data": data, "out": tmp_path / "out", "lora": {"r": 2}, **chosen})
    whole = plan(asked, device_memory_gib=10).memory_gib.total
    quarter = asked.model_copy(update={"lora": LoraSettings(r=2, bits=4)})
    assert plan(quarter, device_memory_gib=10).memory_gib.total < 0.8 * whole
    assert plan(asked, device_memory_gib=whole).try_instead == ("--set lora.bits=4",)
    full = asked.model_copy(update={"lora": None})
    assert plan(full, device_memory_gib=whole).try_instead == ("--set lora.r=16 --set lora.alpha=32 --set lora.bits=4",)


def test_four_bits_are_planned_for_a_gpu_that_is_not_here(tmp_path: Path) -> None:
    small_models.base(tmp_path / "base")
    asked = small_trainings.toy(tmp_path, model=str(tmp_path / "base"), scratch={}, lora={"r": 2, "bits": 4})
    (found,) = plans(asked, lambda _line: None, device_memory_gib=24)
    assert (found.verdict, found.peak) == ("fits", "as on an H100, by its data sheet")
    if find_spec("bitsandbytes") is None:
        with pytest.raises(UsageError, match=r"lora\.bits = 4: needs bitsandbytes"):
            plans(asked, lambda _line: None)


def test_a_plan_refuses_what_the_training_would(asked: TrainSettings, tmp_path: Path) -> None:
    long = TrainSettings.model_validate({**asked.model_dump(), "max_length": 4096})
    with pytest.raises(UsageError, match="the model has 2048 positions"):
        plan(long)
    with pytest.raises(UsageError, match="no such file"):
        plan(small_trainings.toy(tmp_path).model_copy(update={"data": (tmp_path / "nowhere.jsonl",)}))
