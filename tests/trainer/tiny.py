"""A small real tokenizer and a small Llama with random weights, whose greedy replies differ from prompt to prompt."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from trainer.text.tokenizer import fit

ROWS = 320
CONTEXT = 256
WORDS = [
    "Where do you live?",
    "I live in Warsaw.",
    "What is 12 + 30?",
    "It is 42.",
    "Tell me of the sea.",
    "Boats and birds sing there.",
] * 20
END = 2
"""`<|im_end|>`, which ends a reply."""


def tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE of ROWS tokens, control tokens first."""
    return fit(WORDS, ROWS)


def llama(seed: int = 0) -> LlamaForCausalLM:
    """Wide random weights, so that few logits are near one another."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=ROWS,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.3,
        bos_token_id=1,
        eos_token_id=END,
        pad_token_id=0,
    )
    return LlamaForCausalLM(config).eval()
