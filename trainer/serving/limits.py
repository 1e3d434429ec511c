"""What a model sets bounds to: its context, its end tokens, the memory of its device."""

from typing import Any

import torch

from dialogue.errors import UsageError

MEMORY_SHARE = 0.7
"""Of the device's memory that is free after loading, for keys and values; the rest is a pass' own."""
CPU_BYTES = 4 << 30
FALLBACK_CONTEXT = 2048


def context_of(model: Any, tokenizer: Any) -> int:
    """Positions of the model, or the tokenizer's limit where that is smaller."""
    config = model.config.get_text_config()
    stated = [getattr(config, "max_position_embeddings", None), getattr(tokenizer, "model_max_length", None)]
    known = [int(limit) for limit in stated if limit is not None and 0 < limit < 1e9]
    return min(known, default=FALLBACK_CONTEXT)


def end_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """Tokens that end a reply, as `model.generate` has it; the tokenizer's where the model names none."""
    stated = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    if stated is None:
        stated = getattr(model.config.get_text_config(), "eos_token_id", None)
    if stated is None:
        stated = tokenizer.eos_token_id
    return frozenset([stated] if isinstance(stated, int) else stated or ())


def free_bytes(model: Any) -> int:
    """Memory that keys and values may take. Raises UsageError where there is none."""
    device = model.get_input_embeddings().weight.device
    if device.type != "cuda":
        return CPU_BYTES
    free, _ = torch.cuda.mem_get_info(device)
    if free < 1 << 20:
        raise UsageError(f"{device}: {free:,} bytes of memory are free, nothing to answer with; take a smaller model")
    return int(free * MEMORY_SHARE)
