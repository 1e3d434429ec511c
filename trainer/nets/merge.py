"""Adapters folded into their base: one whole model that needs neither peft nor us."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from dialogue.errors import UsageError
from trainer.nets import adapter_files, adapters
from trainer.nets.base import adapter_base
from trainer.nets.foreign import Model, library
from trainer.nets.names import adapter_config, base_of, local_adapter, resolve


def folders_of(places: Sequence[str], model: str | None = None) -> tuple[list[Path], str]:
    """The adapters' folders and the base that they share. UsageError where one is none, or stands on another base."""
    folders: list[Path] = []
    bases: dict[str, str] = {}
    for given in places:
        place = resolve(given)
        config = adapter_config(place)
        if config is None:
            raise UsageError(f"{given}: a whole model already, nothing to merge; name adapters")
        folders.append(local_adapter(place))
        if model is None:
            bases[base_of(place, config)] = given
    if model is not None:
        bases = {resolve(model): model}
    if len(bases) > 1:
        (one, first), (other, second) = list(bases.items())[:2]
        raise UsageError(f"{first} stands on {one}, {second} on {other}: name the base that both belong to by --model")
    (base,) = bases
    if adapter_config(base) is not None:
        raise UsageError(f"--model {model}: an adapter itself; name its base, and this one among the adapters")
    return folders, base


def merged(folders: Sequence[Path], base: str) -> Model:
    """The base with all adapters folded in, in their order, computed in float32.

    Plain LoRAs are summed, so their order does not matter; a DoRA counts from what was folded in before it.
    """
    model = adapter_base(folders, base, torch.float32, torch.device("cpu"))
    for folder in folders:
        adapters.config_of(folder)
        try:
            held: Any = library("peft").PeftModel.from_pretrained(model, str(folder))
        except (ValueError, RuntimeError, KeyError) as error:
            raise UsageError(f"model {folder}: does not fit its base: {str(error).splitlines()[0]}") from None
        model = held.merge_and_unload(safe_merge=True)
    return model.requires_grad_(False).eval()


def dtype_of(base: str) -> torch.dtype:
    """The precision of the base's file."""
    named = library("transformers").AutoConfig.from_pretrained(base, trust_remote_code=False).dtype
    return named if isinstance(named, torch.dtype) else getattr(torch, str(named or "float32"))


def scale_of(folder: Path) -> dict[str, Any]:
    """What a person wants to know of an adapter."""
    config = adapters.config_of(folder)
    return {
        "adapter": str(folder),
        "r": config.r,
        "alpha": config.lora_alpha,
        "dora": config.use_dora,
        "targets": sorted(config.target_modules) if isinstance(config.target_modules, set) else config.target_modules,
        "hash": adapter_files.digest(folder),
    }
