"""What a step costs, against counts worked out by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_models import asked, base, tokenizer
from small_trainings import examples
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
)

from trainer.batches.collate import collate
from trainer.loop.parallel import Here
from trainer.loop.speed import Speed
from trainer.nets.base import load
from trainer.nets.flops import Shape, shape_of
from trainer.settings import LoraSettings

# A Llama of two layers: d = 32, 4 heads of width 8, 2 of them for keys and values, an MLP of 64, 200 words.
# Queries 32 x 32, keys and values 16 x 32 each, output 32 x 32: 3,072. MLP 3 x 32 x 64: 6,144. Two norms: 64.
LAYER = 3_072 + 6_144 + 64
BODY = 2 * LAYER + 32  # and the last norm
HEAD = 200 * 32
ATTENTION = 2 * 4 * 8


def llama(**changes: Any) -> Any:
    shape: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "vocab_size": 200}
    return LlamaForCausalLM(LlamaConfig(**shape, num_attention_heads=4, num_key_value_heads=2, **changes))


@pytest.mark.parametrize("tied", [False, True])
def test_a_network_is_its_layers_its_head_and_its_attention(tied: bool) -> None:
    assert shape_of(llama(tie_word_embeddings=tied)) == Shape(BODY, 0, False, HEAD, ATTENTION)


def test_two_documents_cost_what_one_works_out_by_hand() -> None:
    """Documents of 10 and 30 tokens, 12 places taught."""
    shape = shape_of(llama())
    by_hand = 6 * 18_592 * 40 + 6 * 6_400 * 12 + 6 * 64 * (100 + 900)
    assert BODY == 18_592
    assert shape.flops(40, 1000, 12) == by_hand == 5_306_880
    # Attention, said again: 12 L d for each token and each token that it sees, on average half of its document's.
    assert 12 * 2 * 32 * sum(length * length / 2 for length in (10, 30)) == 6 * ATTENTION * 1000


def test_heads_wider_than_their_share_are_counted_as_they_are() -> None:
    assert shape_of(llama(head_dim=16)).attention == 2 * 4 * 16


def test_looking_up_a_place_costs_nothing() -> None:
    config = GPT2Config(vocab_size=200, n_positions=64, n_embd=32, n_layer=1, n_head=4)
    own = 32 * 96 + 96 + 32 * 32 + 32 + 32 * 128 + 128 + 128 * 32 + 32 + 4 * 32 + 2 * 32
    assert shape_of(GPT2LMHeadModel(config)) == Shape(own, 0, False, HEAD, 32)


def test_of_a_mixture_the_experts_that_a_token_meets_are_counted() -> None:
    """2 of 8 experts of 3 x 32 x 64, a router of 8 x 32; attention and norms as ever."""
    shape: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "vocab_size": 200}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    mixture = MixtralForCausalLM(MixtralConfig(**shape, **heads, num_local_experts=8, num_experts_per_tok=2))
    layer = 3_072 + 2 * 6_144 + 8 * 32 + 64
    assert shape_of(mixture) == Shape(2 * layer + 32, 0, False, HEAD, ATTENTION)
    made: dict[str, Any] = {**shape, **heads, "head_dim": 8, "moe_intermediate_size": 64, "num_experts": 8}
    qwen = Qwen3MoeForCausalLM(Qwen3MoeConfig(**made, num_experts_per_tok=4))
    norms = 2 * 8  # of queries and keys
    assert shape_of(qwen) == Shape(2 * (layer + 2 * 6_144 + norms) + 32, 0, False, HEAD, ATTENTION)


@pytest.mark.parametrize("new_ids", [(), (1, 2)])
def test_of_a_frozen_matrix_no_gradient_is_counted(tmp_path: Path, new_ids: tuple[int, ...]) -> None:
    """4 N for the base, 6 N for the adapter; 6 N for all would be half as much again."""
    where = str(base(tmp_path / "m"))
    model = load(asked(tmp_path, model=where, lora=LoraSettings(r=2, alpha=4)), tokenizer(), new_ids)
    # Rank 2 on q, k, v, o and the three of the MLP: r (inputs + outputs), layer by layer.
    adapter = 2 * 2 * ((32 + 32) + (32 + 16) + (32 + 16) + (32 + 32) + 3 * (32 + 64))
    words = len(tokenizer())
    shape = shape_of(model)
    assert shape == Shape(BODY, adapter, True, words * 32, ATTENTION)
    assert shape.flops(40, 1000, 12) == (4 * BODY + 6 * adapter) * 40 + 4 * words * 32 * 12 + 6 * ATTENTION * 1000


def counted(monkeypatch: pytest.MonkeyPatch, *batches: Any) -> dict[str, Any]:
    """What Speed tells after two seconds."""
    ticks = iter((100.0, 102.0, 102.0))
    monkeypatch.setattr("trainer.loop.speed.time.monotonic", lambda: next(ticks))
    speed = Speed(shape_of(llama()), Here(0, 1, torch.device("cpu")))
    for batch in batches:
        speed.saw(batch)
    return speed.since_last()


def test_padding_makes_no_tokens_and_no_flops(monkeypatch: pytest.MonkeyPatch) -> None:
    found = examples([10, 30])
    taught = sum(one.taught for one in found)
    flops = shape_of(llama()).flops(40, 1000, taught)
    packed = collate(((0, 1),), found, 0)
    fixed = collate(((0, 1),), found, 0, fixed=(256, 64))
    padded = collate(((0,), (1,)), found, 0)
    for batch, places in ((packed, 40), (fixed, 256), (padded, 60)):
        told = counted(monkeypatch, batch)
        assert told["tokens_per_s"] == 20
        assert told["tflops_per_s"] == pytest.approx(flops / 2 / 1e12)
        assert told["padding"] == round(1 - 40 / places, 4)
        assert told["mfu"] is None


def test_a_silent_micro_batch_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = collate(((0, 1),), examples([10, 30]), 0)
    assert counted(monkeypatch, batch, batch.silent())["tokens_per_s"] == 20
    assert counted(monkeypatch, batch, batch.silent())["tflops_per_s"] == counted(monkeypatch, batch)["tflops_per_s"]


def test_the_share_of_the_peak_is_of_the_data_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.get_device_name", lambda _: "NVIDIA H200")
    speed = Speed(Shape(10**9, 0, False, 0, 0), Here(0, 1, torch.device("cpu")))
    assert speed.since_last()["mfu"] is None
    ticks = iter((0.0, 1.0, 1.0))
    monkeypatch.setattr("trainer.loop.speed.time.monotonic", lambda: next(ticks))
    on_gpu = Speed(Shape(10**9, 0, False, 0, 0), Here(0, 1, torch.device("cuda", 0)))
    assert on_gpu._peak == 989e12


def test_lengths_of_any_size_count_their_squares() -> None:
    lengths = np.random.default_rng(0).integers(2, 60, 30).tolist()
    batch = collate((tuple(range(30)),), examples(lengths), 0)
    assert batch.squares == sum(length**2 for length in lengths)
    assert batch.useful == sum(lengths)
