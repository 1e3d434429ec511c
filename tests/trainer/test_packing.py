"""Documents that stand together are learned from as each would be alone: same loss, same gradients."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import asked, base, shake, tokenizer
from small_trainings import examples
from torch import Tensor
from torch.nn import functional as F
from transformers import (
    CohereConfig,
    CohereForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    GptOssConfig,
    GptOssForCausalLM,
    GraniteConfig,
    GraniteForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from trainer.batches.collate import Batch, collate
from trainer.batches.order import MicroBatch
from trainer.nets.attention import NAME
from trainer.nets.base import load
from trainer.nets.learner import Learner
from trainer.settings import LoraSettings
from trainer.text.example import IGNORE_INDEX, Example

WORDS = 200
LENGTHS = (5, 40, 17, 2, 60, 33)
PACK: tuple[MicroBatch, ...] = ((tuple(range(6)),),)
WAYS: dict[str, tuple[tuple[MicroBatch, ...], tuple[int, int] | None]] = {
    "packed": (PACK, None),
    "packed in a fixed shape": (PACK, (200, 64)),
    "packed in two rows": ((((0, 1, 2),), ((3, 4, 5),)), None),
    "grouped": ((((0,), (3,), (2,)), ((5,), (1,), (4,))), None),
    "padded": ((tuple((place,) for place in range(6)),), None),
    "alone": (tuple(((place,),) for place in range(6)), None),
}
Learned = tuple[float, dict[str, Tensor]]
SHAPE: dict[str, Any] = {
    "vocab_size": WORDS,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 64,
}
OWN: dict[str, Callable[[], torch.nn.Module]] = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE)),
    "llama, tied": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE, tie_word_embeddings=True)),
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**SHAPE, head_dim=8)),
    "mistral, window of 16": lambda: MistralForCausalLM(MistralConfig(**SHAPE, sliding_window=16)),
    "gpt_neox": lambda: GPTNeoXForCausalLM(
        GPTNeoXConfig(**{name: value for name, value in SHAPE.items() if name != "num_key_value_heads"})
    ),
    "gpt2": lambda: GPT2LMHeadModel(
        GPT2Config(vocab_size=WORDS, n_embd=32, n_layer=2, n_head=4, attn_pdrop=0, resid_pdrop=0, embd_pdrop=0)
    ),
    "gemma2": lambda: Gemma2ForCausalLM(
        Gemma2Config(
            **SHAPE, head_dim=8, sliding_window=16, final_logit_softcapping=2.0, attn_logit_softcapping=1.0,
            query_pre_attn_scalar=8,
        )
    ),
    "granite": lambda: GraniteForCausalLM(GraniteConfig(**SHAPE, logits_scaling=4.0, attention_multiplier=0.3)),
    "cohere": lambda: CohereForCausalLM(CohereConfig(**SHAPE, logit_scale=0.25, pad_token_id=0)),
    "gpt_oss": lambda: GptOssForCausalLM(
        GptOssConfig(**SHAPE, head_dim=8, num_local_experts=2, num_experts_per_tok=1, sliding_window=16)
    ),
}  # fmt: skip


@cache
def documents() -> tuple[Example, ...]:
    return tuple(examples(LENGTHS, words=WORDS))


def made(family: str) -> Any:
    torch.manual_seed(0)
    model = OWN[family]()
    shake(model, 3)  # norms and biases too, which begin at one and at nothing
    return model.train()


def slopes(model: torch.nn.Module) -> dict[str, Tensor]:
    found = {name: one.grad.clone() for name, one in model.named_parameters() if one.grad is not None}
    model.zero_grad(set_to_none=True)
    return found


def alone(model: Any, found: Sequence[Example]) -> Learned:
    """Each document by itself through the model's own forward pass, its head and its eager attention."""
    model.set_attn_implementation("eager")
    total = torch.zeros((), device=model.device)
    for one in found:
        ids = torch.from_numpy(one.input_ids.astype(np.int64))[None].to(model.device)
        logits = model(input_ids=ids, use_cache=False).logits[0, :-1]
        labels = torch.from_numpy(one.labels[1:].astype(np.int64)).to(model.device)
        lost = F.cross_entropy(logits, labels, reduction="none", ignore_index=IGNORE_INDEX)
        total = total + (lost * torch.from_numpy(one.weights[1:]).to(model.device)).sum()
    total.backward()
    return total.item(), slopes(model)


def together(
    model: Any,
    found: Sequence[Example],
    micros: Sequence[MicroBatch],
    fixed: tuple[int, int] | None = None,
    dtype: torch.dtype = torch.float32,
) -> Learned:
    model.set_attn_implementation(NAME)
    learner, total = Learner(model, dtype), 0.0
    for micro in micros:
        loss = learner(collate(micro, found, 0, fixed=fixed).to(model.device))
        loss.backward()
        total += loss.item()
    return total, slopes(model)


def apart(one: Learned, other: Learned) -> float:
    """The greatest difference of losses and gradients, in parts of their scale."""
    assert one[1].keys() == other[1].keys()
    scale = max(float(value.abs().max()) for value in other[1].values())
    worst = max(float((value - other[1][name]).abs().max()) for name, value in one[1].items())
    return max(worst / scale, abs(one[0] - other[0]) / abs(other[0]))


@pytest.mark.parametrize("family", OWN)
def test_packed_grouped_and_padded_documents_teach_what_single_ones_do(family: str) -> None:
    model = made(family)
    wanted = alone(model, documents())
    found = {way: apart(together(model, documents(), *how), wanted) for way, how in WAYS.items()}
    assert max(found.values()) <= 1e-6, found


DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")),
]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 2e-5), (torch.bfloat16, 5e-2)])
@pytest.mark.parametrize("family", ["llama", "qwen3", "mistral, window of 16"])
def test_documents_are_apart_on_every_device_and_in_each_precision(
    family: str, dtype: torch.dtype, most: float, device: str
) -> None:
    """What flows from one document into the next would be of the size of the gradients themselves."""
    model = made(family).to(device)
    wanted = alone(model, documents())
    found = {way: apart(together(model, documents(), *how, dtype), wanted) for way, how in WAYS.items()}
    assert max(found.values()) <= most, found


def adapted(folder: Path, lora: LoraSettings, new_ids: Sequence[int] = ()) -> Any:
    model = load(
        asked(folder, model=str(base(folder / "m", tie_word_embeddings=True)), lora=lora), tokenizer(), new_ids
    )
    shake(model)
    return model


@pytest.mark.parametrize("dora", [False, True])
@pytest.mark.parametrize("new_ids", [(), (1, 2)])
def test_adapters_learn_the_same_from_packed_documents(tmp_path: Path, dora: bool, new_ids: tuple[int, ...]) -> None:
    model = adapted(tmp_path, LoraSettings(r=4, alpha=8, dora=dora), new_ids)
    wanted = alone(model, documents())
    assert all("lora_" in name or "trainable_tokens" in name for name in wanted[1])
    found = {way: apart(together(model, documents(), *how), wanted) for way, how in WAYS.items()}
    assert max(found.values()) <= 2e-6, found  # small slopes from large sums: 1.007e-6 on some processors


def test_layers_computed_twice_to_save_memory_teach_the_same() -> None:
    model = made("llama")
    wanted = alone(model, documents())
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.enable_input_require_grads()
    assert apart(together(model, documents(), PACK), wanted) <= 1e-6


def test_bfloat16_is_close() -> None:
    model = made("llama")
    wanted = alone(model, documents())
    model.set_attn_implementation(NAME)
    loss = Learner(model, torch.bfloat16)(collate(PACK[0], documents(), 0))
    loss.backward()
    assert loss.dtype == torch.float32
    assert abs(loss.item() - wanted[0]) / wanted[0] < 5e-3
    for name, value in slopes(model).items():
        assert value.dtype == torch.float32
        assert float((value - wanted[1][name]).norm() / wanted[1][name].norm()) < 0.05, name


def test_a_cache_would_let_documents_see_one_another_and_we_ask_for_none() -> None:
    """With a cache, which is transformers' default, documents in a row are not told apart, and nothing is said."""
    model = made("llama")
    model.set_attn_implementation("sdpa")
    batch = collate(PACK[0], documents(), 0)
    with torch.no_grad():
        cached, plain = (
            model(input_ids=batch.input_ids, position_ids=batch.position_ids, use_cache=use).logits
            for use in (True, False)
        )
    assert float((cached - plain).abs().max()) > 1e-2, "transformers has changed: the trap is gone"
    asked: list[Any] = []
    hook = model.base_model.register_forward_pre_hook(lambda _, __, more: asked.append(more), with_kwargs=True)
    model.config.use_cache = True
    together(model, documents(), PACK)
    model.eval()
    with torch.no_grad():
        Learner(model, torch.float32)(batch)
    hook.remove()
    assert [more["use_cache"] for more in asked] == [False, False]


def test_what_a_document_says_changes_nothing_for_its_neighbours() -> None:
    model = made("qwen3")
    model.set_attn_implementation(NAME)
    learner = Learner(model, torch.float32)
    others = [*documents()]
    others[1] = examples(LENGTHS, words=WORDS, seed=9)[1]
    with torch.no_grad():
        mine, theirs = (learner.hidden(collate(PACK[0], found, 0))[0] for found in (documents(), others))
    assert torch.equal(mine[:5], theirs[:5])
    assert torch.equal(mine[45:], theirs[45:])
    assert not torch.equal(mine[5:45], theirs[5:45])


@given(st.lists(st.integers(2, 30), min_size=1, max_size=8), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_documents_of_any_lengths_can_stand_in_a_row(lengths: list[int], seed: int) -> None:
    found, model = examples(lengths, words=WORDS, seed=seed, share=0.6), _small()
    rows: MicroBatch = (tuple(range(len(found))),)
    model.set_attn_implementation(NAME)
    learner = Learner(model, torch.float32)
    with torch.no_grad():
        single = sum(learner(collate(((place,),), found, 0)).item() for place in range(len(found)))
        row = learner(collate(rows, found, 0)).item()
        fixed = learner(collate(rows, found, 0, fixed=(256, 30))).item()
    assert abs(row - single) <= 1e-5 * max(1.0, single)
    assert abs(fixed - single) <= 1e-5 * max(1.0, single)


@cache
def _small() -> Any:
    return made("llama")


def spans(batch: Batch) -> list[int]:
    assert batch.cu_seqlens is not None
    return batch.cu_seqlens.diff().tolist()


def test_a_fixed_shape_is_the_same_whatever_stands_in_it() -> None:
    batches = [collate((row,), documents(), 0, fixed=(200, 64)) for row in ((0,), (4, 5), tuple(range(6)))]
    assert {tuple(batch.input_ids.shape) for batch in batches} == {(1, 200)}
    assert {batch.max_seqlen for batch in batches} == {64}
    assert [sum(spans(batch)) for batch in batches] == [200] * 3
    assert all(max(spans(batch)) <= 64 for batch in batches)
    assert [batch.useful for batch in batches] == [5, 93, 157]
    assert [batch.squares for batch in batches] == [25, 60**2 + 33**2, sum(length**2 for length in LENGTHS)]


def test_compiled_code_is_told_that_rows_hold_any_number_of_documents() -> None:
    """Without the mark each new number is a compilation in the middle of a training."""
    model = made("llama")
    for compiled in (False, True):
        batch = collate(PACK[0], documents(), 0, fixed=(200, 64))
        Learner(model, torch.float32, compiled=compiled)(batch)
        assert getattr(batch.cu_seqlens, "_dynamo_dynamic_indices", set()) == ({0} if compiled else set())


def test_a_token_is_taught_by_the_place_before_it_and_none_by_another_document() -> None:
    first = Example("a", np.array([7, 8, 9], np.int32), np.array([7, 8, -100], np.int32), np.ones(3, np.float32))
    second = Example("b", np.array([4, 5], np.int32), np.array([4, 5], np.int32), np.ones(2, np.float32))
    packed, padded = collate(((0, 1),), [first, second], 0), collate(((0,), (1,)), [first, second], 0)
    assert (packed.input_ids.tolist(), packed.position_ids.tolist()) == ([[7, 8, 9, 4, 5]], [[0, 1, 2, 0, 1]])
    assert (packed.rows.tolist(), packed.targets.tolist()) == ([0, 3], [8, 5])
    assert (padded.input_ids.tolist(), padded.position_ids.tolist()) == ([[7, 8, 9], [4, 5, 0]], [[0, 1, 2]] * 2)
    assert (padded.rows.tolist(), padded.targets.tolist()) == ([0, 3], [8, 5])
    assert (packed.useful, padded.useful, padded.squares) == (5, 5, 13)


def test_the_padding_token_is_taught_where_it_is_meant() -> None:
    """Labels come from the mask: a token that is padding's own by number is an ordinary one in a document."""
    one = Example(
        "a", np.array([7, 0, 0], np.int32), np.array([-100, 0, -100], np.int32), np.array([0, 1, 0], np.float32)
    )
    assert collate(((0,),), [one], 0).targets.tolist() == [0]
