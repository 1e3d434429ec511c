"""The tokenizer's own chat template, taken apart into literals and words."""

from transformers import PreTrainedTokenizerFast

from dialogue.errors import UsageError
from trainer.settings import Thoughts
from trainer.text.layout import Layout


def taken_apart(tokenizer: PreTrainedTokenizerFast, thoughts: Thoughts) -> Layout:
    """The layout that the tokenizer's chat template writes."""
    raise UsageError(f"template = own: the chat template of {tokenizer.name_or_path!r} cannot be taken apart yet")
