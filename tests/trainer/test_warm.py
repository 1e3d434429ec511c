"""What is compiled is compiled before the first step, and not for replies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from flash_stand_in import Calls, put_in_place
from small_models import llama, tokenizer
from small_trainings import examples, rows
from torch import Tensor
from torch._dynamo.utils import counters
from transformers import AttentionInterface, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from dialogue.records import Dialogue
from trainer.batches.collate import Batch, collate
from trainer.loop.layers import last_norms, layers
from trainer.loop.ready import prepared
from trainer.loop.validate import samples
from trainer.loop.warm import FEW, MANY, warmed
from trainer.nets import attention, flash4
from trainer.nets.learner import Learner
from trainer.settings import TrainSettings
from trainer.text.render import renderer

CPU = torch.device("cpu")


def learner(**changes: Any) -> Learner:
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=200, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
            intermediate_size=64, tie_word_embeddings=False,
        )
    )  # fmt: skip
    return prepared(model, TrainSettings.model_validate({"data": (), "out": "out", **changes}), CPU)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    """The micro-batches that learners go through."""
    found: list[Batch] = []
    forward = Learner.forward

    def watched(self: Learner, batch: Batch) -> Tensor:
        found.append(batch)
        return forward(self, batch)

    monkeypatch.setattr(Learner, "forward", watched)
    return found


def documents(batch: Batch) -> int:
    assert batch.cu_seqlens is not None
    return len(batch.cu_seqlens) - 1


def test_a_row_of_few_documents_and_one_of_many_leave_nothing_behind(seen: list[Batch]) -> None:
    ours = learner()
    before = [one.clone() for one in ours.parameters()]
    assert warmed(ours, CPU, None, 4096, 16) > 0
    assert [documents(batch) for batch in seen] == [FEW, MANY]
    assert FEW <= flash4.MANY_DOCUMENTS < MANY
    assert all(one.grad is None for one in ours.parameters())
    assert all(torch.equal(one, other) for one, other in zip(ours.parameters(), before, strict=True))


@pytest.mark.parametrize(("micro_tokens", "least", "kinds"), [(4096, 17, 1), (4096, 16, 2), (512, 1, 1), (513, 2, 1)])
def test_what_cannot_come_is_not_compiled(seen: list[Batch], micro_tokens: int, least: int, kinds: int) -> None:
    warmed(learner(), CPU, None, micro_tokens, least)
    assert len(seen) == kinds


def test_rows_are_of_the_one_shape_of_compiled_code(seen: list[Batch]) -> None:
    warmed(learner(), CPU, (1024, 128), 1024, 2)
    assert [(batch.input_ids.shape[1], batch.max_seqlen) for batch in seen] == [(1024, 128)] * 2
    assert documents(seen[0]) <= flash4.MANY_DOCUMENTS < documents(seen[1])


@pytest.fixture
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    """Attention by the operator that a GPU has it by, with a stand-in's code."""

    def attend(
        _: torch.nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        scaling: float | None = None,
        cu_seq_lens_q: Tensor | None = None,
        max_length_q: int | None = None,
        **more: Any,
    ) -> tuple[Tensor, None]:
        assert cu_seq_lens_q is not None
        assert max_length_q is not None
        flat = attention._flat(query, key, value)
        return flash4.attend(flat, cu_seq_lens_q, max_length_q, scaling)[None], None

    AttentionInterface.register(attention.NAME, attend)
    yield put_in_place(monkeypatch)
    AttentionInterface.register(attention.NAME, attention.by_document)


def test_both_kinds_of_kernels_are_called_forward_and_backward(as_on_a_gpu: Calls) -> None:
    warmed(learner(), CPU, None, 4096, 16)
    assert [len(call["cu_seqlens_q"]) - 1 for call in as_on_a_gpu] == [FEW] * 6 + [MANY] * 6


def test_for_replies_compiled_layers_run_as_they_are_written() -> None:
    """Compiled at each length of a reply they would take minutes, and the eighth time be the last for the training."""
    speaker = tokenizer()
    model, speech = llama(len(speaker)), renderer(speaker, TrainSettings(data=(), out=Path("out")))
    dialogues = [Dialogue.model_validate(row) for row in rows(3)]
    wanted = samples(model, speech, dialogues, 2)
    for part in (*layers(model), *last_norms(model)):
        part.compile(backend=lambda *_: pytest.fail("compiled"))
    assert samples(model, speech, dialogues, 2) == wanted
    assert len(wanted) == 2


def test_the_last_norm_is_found_and_nothing_else() -> None:
    model = llama(300)
    assert last_norms(model) == [model.model.norm]
    gpt2 = GPT2LMHeadModel(GPT2Config(vocab_size=300, n_embd=32, n_layer=2, n_head=4))
    assert last_norms(gpt2) == [gpt2.transformer.ln_f]


def test_a_row_that_one_document_fills_goes_through_compiled_layers_too() -> None:
    """Its bounds are two, a size that code specialises on and that must not be called variable."""
    ours, plain = learner(), learner()
    for part in layers(ours.model):
        part.compile(backend="aot_eager", dynamic=False)
    ours.compiled, head = True, plain.model.lm_head
    for lengths in ([128], [100, 28], [128], [20, 30, 40]):
        batch = collate((tuple(range(len(lengths))),), examples(lengths, words=200), 0, fixed=(128, 128))
        found, wanted = (head(one.hidden(batch)) for one in (ours, plain))
        torch.testing.assert_close(found, wanted)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_after_it_rows_of_any_number_of_documents_are_compiled_no_more(as_on_a_gpu: Calls) -> None:
    torch._dynamo.reset()
    ours = learner(compile=True, dtype="bfloat16")
    before, breaks = counters["stats"]["unique_graphs"], dict(counters["graph_break"])
    warmed(ours, CPU, (1024, 128), 1024, 2)
    after = counters["stats"]["unique_graphs"]
    assert after - before == 3, "a block, the last norm, a chunk's loss"
    assert dict(counters["graph_break"]) == breaks, "a block is one piece"
    for lengths in ([20, 30, 40], [2] * 300, [128], [7] * 40, [100, 28]):
        ours(collate((tuple(range(len(lengths))),), examples(lengths, words=200), 0, fixed=(1024, 128))).backward()
    assert counters["stats"]["unique_graphs"] == after
