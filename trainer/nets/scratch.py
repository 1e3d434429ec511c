"""A small Llama with random weights."""

from typing import Any

from trainer.nets.foreign import library
from trainer.settings import ScratchSettings


def scratch_config(scratch: ScratchSettings, rows: int) -> Any:
    """The network's LlamaConfig, with so many embeddings, tied."""
    return library("transformers").LlamaConfig(
        vocab_size=rows,
        hidden_size=scratch.width,
        intermediate_size=scratch.mlp_width,
        num_hidden_layers=scratch.layers,
        num_attention_heads=scratch.heads,
        num_key_value_heads=scratch.kv_heads,
        max_position_embeddings=scratch.context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
    )
