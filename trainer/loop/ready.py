"""A network made ready to learn."""

import warnings

import torch

from trainer.loop.layers import layers
from trainer.nets.attention import NAME
from trainer.nets.foreign import Model
from trainer.nets.learner import Learner
from trainer.settings import TrainSettings

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def dtype_of(settings: TrainSettings, device: torch.device) -> torch.dtype:
    """The precision of products."""
    return DTYPES[settings.dtype or ("bfloat16" if device.type == "cuda" else "float32")]


def prepared(model: Model, settings: TrainSettings, device: torch.device) -> Learner:
    """The model as a learner: attention by documents, layers compiled or recomputed where asked."""
    model.set_attn_implementation(NAME)
    model.train()
    if settings.gradient_checkpointing:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the name that older versions know too is to go in v6
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    if settings.compile:
        fixed = settings.batches in (None, "pack")  # rows of one shape; those of other kinds are of any
        for layer in layers(model):
            layer.compile(dynamic=False if fixed else None)
    return Learner(model, dtype_of(settings, device), compiled=settings.compile)
