"""A model that would be taught wrong is refused, or not packed, before the first step."""

from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import asked, llama, shake, tokenizer
from small_trainings import toy
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    GPTNeoXConfig,
    Llama4TextConfig,
    MambaConfig,
    PretrainedConfig,
    Qwen3_5TextConfig,
    StableLmConfig,
)

from dialogue.errors import UsageError
from trainer.loop.course import sizes_of
from trainer.loop.parallel import Here
from trainer.loop.ready import prepared
from trainer.loop.train import train
from trainer.loop.trial import tried
from trainer.nets import probe
from trainer.nets.learner import Learner
from trainer.settings import LoraSettings

ALONE = Here(0, 1, torch.device("cpu"))
SHAPE: dict[str, Any] = {
    "vocab_size": 400, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 64, "max_position_embeddings": 256, "pad_token_id": 0, "bos_token_id": None,
    "eos_token_id": None,
}  # fmt: skip


def of(config: PretrainedConfig) -> Any:
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config)


def neox() -> Any:
    return of(GPTNeoXConfig(**{name: value for name, value in SHAPE.items() if name != "num_key_value_heads"}))


def bloom() -> Any:
    return of(BloomConfig(vocab_size=400, hidden_size=32, n_layer=2, n_head=4, pad_token_id=0))


def stablelm() -> Any:
    return of(StableLmConfig(**SHAPE))


def mamba() -> Any:
    return of(MambaConfig(vocab_size=400, hidden_size=32, num_hidden_layers=2, state_size=4, pad_token_id=0))


def at(folder: Path, model: Any) -> str:
    """The model with a tokenizer in a folder."""
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize(
    ("make", "apart"), [(lambda: llama(400), True), (neox, True), (stablelm, False), (mamba, False), (bloom, False)]
)
def test_whether_documents_in_one_row_see_one_another_is_known_of_random_weights_too(make: Any, apart: bool) -> None:
    learner = Learner(make(), torch.float32)
    learner.model.set_attn_implementation("by_document")
    assert probe.keeps_apart(learner) is apart


def test_rows_that_would_mix_documents_are_grouped_or_refused_where_they_were_asked_for(tmp_path: Path) -> None:
    lines: list[str] = []
    settings, _ = tried(stablelm(), toy(tmp_path), ALONE, lines.append)
    assert (settings.batches, lines) == (None, [])  # on a CPU nothing is packed unless asked for
    with pytest.raises(UsageError, match=r'batches = pack: .* layers of stablelm; set batches = "group"'):
        tried(stablelm(), toy(tmp_path, batches="pack"), ALONE, lines.append)
    with pytest.raises(UsageError, match=r"compile = true: goes with packed rows, and .* layers of stablelm"):
        tried(stablelm(), toy(tmp_path, compile=True), ALONE, lines.append)


def test_on_a_gpu_where_rows_are_packed_by_default_they_are_grouped_aloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.loop.trial.sizes_of", lambda settings, _on_gpu: sizes_of(settings, True))
    lines: list[str] = []
    settings, _ = tried(stablelm(), toy(tmp_path), ALONE, lines.append)
    assert settings.batches == "group"
    assert lines == ["batches = group: documents in one row would see one another in the layers of stablelm"]
    settings, _ = tried(llama(400), toy(tmp_path), ALONE, lines.append)
    assert settings.batches is None


@pytest.mark.parametrize("make", [neox, bloom, stablelm, mamba])
def test_families_that_do_not_attend_as_they_are_told_are_trained_all_the_same(make: Any, tmp_path: Path) -> None:
    """BLOOM's last block adds what it is given besides; GPT-NeoX says that it is no decoder; Mamba cannot be asked."""
    settings = toy(
        tmp_path, model=at(tmp_path / "m", make()), max_steps=3, validation=9, eval_every=3, samples=1, exact=2
    )
    lines: list[str] = []
    summary = train(settings, lines.append)
    assert summary["steps"] == 3
    asked = make is not mamba
    assert ("exact_replies" in summary) is asked
    assert any(line.startswith("no samples: MambaForCausalLM") for line in lines) is not asked
    AutoModelForCausalLM.from_pretrained(settings.out / "model")


def test_no_training_ends_because_a_family_cannot_be_asked(tmp_path: Path) -> None:
    """Two layers of Qwen 3.5, none of which keeps the cache that transformers asks for its length."""
    shape = {"linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8}
    model = of(Qwen3_5TextConfig(**SHAPE, **shape, head_dim=8, linear_value_head_dim=8))
    settings = toy(tmp_path, model=at(tmp_path / "m", model), max_steps=2, validation=9, samples=1, exact=2)
    lines: list[str] = []
    summary = train(settings, lines.append)
    assert summary["steps"] == 2
    for what in ("no samples", "exact = 2: not counted"):
        assert any(line.startswith(f"{what}: Qwen3_5ForCausalLM: gives no replies (ValueError: ") for line in lines)


def test_a_family_of_another_build_is_refused_by_its_name(tmp_path: Path) -> None:
    model = of(Llama4TextConfig(**SHAPE, head_dim=8, intermediate_size_mlp=64, num_local_experts=2))
    with pytest.raises(UsageError, match="llama4_text does not go through the trainer"):
        tried(model, toy(tmp_path), ALONE, lambda _line: None)


def test_layers_that_a_family_lets_no_adapter_into_are_named(tmp_path: Path) -> None:
    settings = toy(tmp_path, model=at(tmp_path / "m", mamba()), lora=LoraSettings(r=2, alpha=4))
    with pytest.raises(UsageError, match=r"lora.targets = .*out_proj.*: .* incompatible with Mamba"):
        train(settings, lambda _line: None)


def test_a_loss_of_another_kind_than_the_models_own_is_refused(tmp_path: Path) -> None:
    model = llama(400)
    shake(model, 3)
    learner = prepared(model, asked(tmp_path), torch.device("cpu"))
    own = probe.own_loss(model, torch.float32)
    probe.check(learner, own)
    with pytest.raises(UsageError, match="llama is built in a way that the trainer does not know"):
        probe.check(learner, own * 1.01)


def test_weights_that_are_no_numbers_are_told_before_the_first_step(tmp_path: Path) -> None:
    model = llama(400, max_position_embeddings=256)
    model.lm_head.weight.data[3] = float("nan")
    settings = toy(tmp_path, model=at(tmp_path / "m", model), max_steps=3)
    with pytest.raises(UsageError, match=r"model .*m: its weights give a loss of nan; fetch it again"):
        train(settings, lambda _line: None)
