"""A network made ready to learn."""

from typing import Any

import torch

from trainer.nets.attention import NAME
from trainer.nets.learner import Learner
from trainer.settings import TrainSettings

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def dtype_of(settings: TrainSettings, device: torch.device) -> torch.dtype:
    """The precision of products."""
    return DTYPES[settings.dtype or ("bfloat16" if device.type == "cuda" else "float32")]


def prepared(model: Any, settings: TrainSettings, device: torch.device) -> Learner:
    """The model as a learner: attention by documents, layers compiled or recomputed where asked."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    inner.set_attn_implementation(NAME)
    model.train()
    if settings.gradient_checkpointing:
        inner.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        inner.enable_input_require_grads()
    if settings.compile:
        for layer in layers(inner):
            layer.compile(dynamic=False)
    return Learner(model, dtype_of(settings, device), compiled=settings.compile)


def layers(model: torch.nn.Module) -> list[torch.nn.Module]:
    """The blocks of a transformer: the longest list of modules of one kind."""
    lists = [list(part) for part in model.modules() if isinstance(part, torch.nn.ModuleList)]
    return max((one for one in lists if len({type(part) for part in one}) == 1), key=len, default=[])
