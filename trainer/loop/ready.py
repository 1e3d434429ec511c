"""A network made ready to learn."""

import torch

from trainer.loop.layers import last_norms, layers
from trainer.nets.attention import NAME
from trainer.nets.foreign import Model, library
from trainer.nets.learner import Learner
from trainer.settings import TrainSettings

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def dtype_of(settings: TrainSettings, device: torch.device) -> torch.dtype:
    """The precision of products."""
    return DTYPES[settings.dtype or ("bfloat16" if device.type == "cuda" else "float32")]


def prepared(model: Model, settings: TrainSettings, device: torch.device) -> Learner:
    """The model as a learner: attention by documents, blocks compiled or recomputed where asked."""
    attend(model, NAME)
    model.train()
    if settings.gradient_checkpointing:
        _recomputed(model)
    if settings.compile:
        fixed = settings.batches in (None, "pack")  # rows of one shape; those of other kinds are of any
        # The last norm too: alone it goes over its row a dozen times, in float32.
        for part in (*layers(model), *last_norms(model)):
            part.compile(dynamic=False if fixed else None)
    return Learner(model, dtype_of(settings, device), compiled=settings.compile)


def attend(model: Model, name: str) -> None:
    """Have the model attend so; without a word, where its family attends in its own way whatever it is told.

    ValueError where transformers knows no such attention for the family.
    """
    logging = library("transformers.utils.logging")
    noise = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        model.set_attn_implementation(name)
    finally:
        logging.set_verbosity(noise)


def _recomputed(model: Model) -> None:
    """Blocks are computed again in the backward pass; by transformers' new name for it, or the old one."""
    how = {"use_reentrant": False}
    if hasattr(model, "activation_checkpointing_enable"):
        model.activation_checkpointing_enable(activation_checkpointing_kwargs=how)
    else:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=how)
    model.enable_input_require_grads()
