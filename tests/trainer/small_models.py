"""A small real tokenizer and small random models, made in the test."""

from collections.abc import Callable
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from trainer.settings import TrainSettings
from trainer.text.tokenizer import fit

WORDS = [
    "I live in Warsaw.",
    "I hear that Warsaw is nice.",
    "Where do I live?",
    "You live in Warsaw.",
    "1 + 2 = 3",
] * 20


def tokenizer(template: str = "chatml") -> PreTrainedTokenizerFast:
    return fit(WORDS, 320, template)


def llama(rows: int, seed: int = 0, **changes: object) -> LlamaForCausalLM:
    """A random Llama with no special tokens of its own."""
    shape: dict[str, object] = {
        "vocab_size": rows,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
        "bos_token_id": None,
        "eos_token_id": None,
        **changes,
    }
    torch.manual_seed(seed)
    return LlamaForCausalLM(LlamaConfig(**shape))


def base(
    folder: Path, template: str = "chatml", make: Callable[..., torch.nn.Module] = llama, **changes: object
) -> Path:
    """A model with its tokenizer in a folder, as one fetches them from a hub."""
    own = tokenizer(template)
    model = make(len(own), **changes)
    model.save_pretrained(folder)  # type: ignore[operator]
    own.save_pretrained(folder)
    return folder


def asked(folder: Path, **changes: object) -> TrainSettings:
    given = {"data": (folder / "data.jsonl",), "out": folder / "out", "max_length": 64, **changes}
    return TrainSettings.model_validate(given)


@torch.no_grad()
def shake(model: torch.nn.Module, seed: int = 1) -> None:
    """Give everything that is trained other values, as a training would."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)


@torch.no_grad()
def logits(model: torch.nn.Module, rows: int = 256) -> torch.Tensor:
    """What the model says of two fixed rows of tokens."""
    ids = torch.randint(0, rows, (2, 24), generator=torch.Generator().manual_seed(5))
    out: torch.Tensor = model.eval()(ids, use_cache=False).logits
    return out
