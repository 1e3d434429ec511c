"""A model of random weights and a tokenizer of its own, made in a second: real parts, and nothing to download."""

from pathlib import Path
from typing import Any

TEXTS = [
    "How do tides work, and who found out?",
    "The moon pulls at the sea. So does the sun, a little less.",
    "Und wie war das mit der Ebbe? 潮汐是怎么回事？ Ça dépend 🌊.",
] * 50
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CONTROL = ["<pad>", "<s>", "<|im_start|>", "<|im_end|>"]
ROWS = 320
END = 3


def tokenizer() -> Any:
    """A byte-level BPE tokenizer with a ChatML template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=ROWS, special_tokens=CONTROL, initial_alphabet=alphabet)
    bpe.train_from_iterator(TEXTS, trainer)
    ends = {"bos_token": "<s>", "eos_token": "<|im_end|>", "pad_token": "<pad>"}
    wrapped = PreTrainedTokenizerFast(tokenizer_object=bpe, **ends)
    wrapped.chat_template = TEMPLATE
    return wrapped


def llama(seed: int = 0, **over: Any) -> Any:
    """Two layers, 32 wide, with weights large enough for answers that differ."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    ends = {"bos_token_id": 1, "eos_token_id": END, "pad_token_id": 0}
    known = {"num_key_value_heads": 2, "max_position_embeddings": 256, "initializer_range": 0.4, "vocab_size": ROWS}
    return LlamaForCausalLM(LlamaConfig(**{**sizes, **ends, **known, **over})).eval()


def save(folder: Path, seed: int = 0, **over: Any) -> Path:
    """A model folder as `save_pretrained` leaves it: nothing in it says how replies are drawn."""
    tokenizer().save_pretrained(folder)
    llama(seed=seed, **over).save_pretrained(folder)
    return folder
