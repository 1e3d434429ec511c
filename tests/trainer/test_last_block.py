"""The last block makes what is wanted where it is wanted, and all of it for anyone else.

That losses and gradients stay what they were is held by test_packing.py, in every family and with adapters.
"""

from typing import Any

import pytest
import torch
from small_models import llama
from small_trainings import examples
from transformers import GPT2Config, GPT2LMHeadModel, MixtralConfig, MixtralForCausalLM

from trainer.batches.collate import Batch, collate
from trainer.nets.attention import NAME
from trainer.nets.last_block import LastBlock
from trainer.nets.learner import Learner

WORDS = 64


def batch() -> Batch:
    """Two documents in a row, their last third taught."""
    made = collate(((0, 1),), examples([30, 20], words=WORDS), 0)
    rows = torch.arange(20, 29)
    return made._replace(rows=rows, targets=made.input_ids[0, rows + 1], weights=torch.ones(len(rows)))


def seen_by(part: torch.nn.Module) -> list[int]:
    """Tokens that each call of a module's part gets from now on."""
    found: list[int] = []
    part.register_forward_hook(lambda _part, given, _made: found.append(given[0].shape[:-1].numel()))
    return found


def model() -> Any:
    made = llama(WORDS)
    made.set_attn_implementation(NAME)
    return made


def test_the_feed_forward_part_sees_wanted_places_alone_and_keys_are_made_of_all() -> None:
    net = model()
    last, first = net.model.layers[-1], net.model.layers[0]
    learner, given = Learner(net, torch.float32), batch()
    found = {name: seen_by(part) for name, part in (
        ("mlp", last.mlp.down_proj), ("queries", last.self_attn.q_proj), ("keys", last.self_attn.k_proj),
        ("first", first.mlp.down_proj),
    )}  # fmt: skip
    learner(given).backward()
    assert found == {"mlp": [9], "queries": [9], "keys": [50], "first": [50]}


def test_who_asks_the_model_itself_gets_all_places() -> None:
    net, other = model(), model()
    given = batch()
    Learner(net, torch.float32)(given)
    assert torch.equal(net(given.input_ids).logits, other(given.input_ids).logits)


@pytest.mark.parametrize("count", [0, 45])
def test_none_or_most_of_the_places_narrow_nothing(count: int) -> None:
    net = model()
    learner, given = Learner(net, torch.float32), batch()
    found = seen_by(net.model.layers[-1].mlp.down_proj)
    rows = torch.arange(count)
    learner(given._replace(rows=rows, targets=rows, weights=torch.ones(count))).backward()
    assert found == [50]


def test_layers_that_are_computed_twice_are_left_whole() -> None:
    net = model()
    net.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    net.train()
    found = seen_by(net.model.layers[-1].mlp.down_proj)
    Learner(net, torch.float32)(batch()).backward()
    assert set(found) == {50}


def test_experts_and_what_is_built_otherwise_are_left_alone() -> None:
    mixtral = MixtralForCausalLM(
        MixtralConfig(vocab_size=WORDS, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
                      num_attention_heads=2, num_key_value_heads=1, num_local_experts=2)
    )  # fmt: skip
    gpt2 = GPT2LMHeadModel(GPT2Config(vocab_size=WORDS, n_embd=16, n_layer=1, n_head=2))
    for net, part in ((mixtral, mixtral.model.layers[0].mlp), (gpt2, gpt2.transformer.h[0].mlp)):
        last = LastBlock(net)
        found = seen_by(part)
        with last.only(torch.arange(3)):
            net(torch.arange(10)[None], use_cache=False)
        assert found == [10]
