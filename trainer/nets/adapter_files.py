"""What is kept of adapters: peft's files, and what is trained bit for bit."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dialogue.errors import UsageError
from trainer.nets.adapters import PREFIX, TRAINED, WEIGHTS, config_of
from trainer.nets.foreign import Model, library, unbroken

TRAINED_WEIGHTS = Path("state") / "trained.safetensors"


def rows_known(folder: Path) -> int:
    """Rows of the embeddings that an adapter's weights and tokenizer suppose; 0 where they suppose none."""
    config = config_of(folder)
    rows = [0]
    with unbroken(folder / WEIGHTS), library("safetensors").safe_open(folder / WEIGHTS, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 - no mapping
            if name.endswith(("embed_tokens.weight", "wte.weight", "lm_head.weight")):
                rows.append(file.get_slice(name).get_shape()[0])
    tokens = config.trainable_token_indices or {}
    rows += [max(ids) + 1 for ids in (tokens.values() if isinstance(tokens, dict) else [tokens])]
    return max(rows)


def digest(folder: Path) -> str:
    """16 hex digits of the weights' file."""
    with (folder / WEIGHTS).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def trained(model: nn.Module, weights: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """What is trained, by name; from `weights` where they were gathered elsewhere."""
    names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    held = dict(model.named_parameters()) if weights is None else weights
    return {name: held[name].detach().cpu().contiguous() for name in names}


@torch.no_grad()
def restore(model: nn.Module, checkpoint: Path) -> None:
    """Give what is trained the values that it had in a checkpoint, bit for bit."""
    with unbroken(checkpoint / TRAINED_WEIGHTS):
        values = library("safetensors.torch").load_file(checkpoint / TRAINED_WEIGHTS)
    now = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    if now.keys() != values.keys():
        raise UsageError(f"{checkpoint}: holds another adapter than the one asked for; name another --out")
    for name, parameter in now.items():
        parameter.copy_(values[name])


def as_one(model: Model, weights: Mapping[str, Tensor] | None = None) -> tuple[Any, dict[str, Tensor]]:
    """One adapter that does what all in the model do together, as settings and tensors of peft's files.

    A sum of products is a product of concatenations: rank r1 + r2, scale 1, exact.
    """
    held: dict[str, Any] = model.peft_config
    parts = {
        name: library("peft").get_peft_model_state_dict(
            model, state_dict=dict(weights or model.state_dict()), adapter_name=name, save_embedding_layers=False
        )
        for name in held
    }
    if len(parts) == 1:
        return held[TRAINED], {f"{PREFIX}{name}": value for name, value in _plain(parts[TRAINED])}
    config, tensors = _summed(model, held, parts)
    return config, {f"{PREFIX}{name}": value for name, value in _plain(tensors)}


def _plain(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    for name, value in tensors.items():
        yield name, value.detach().cpu().contiguous()


def _summed(
    model: Model, held: Mapping[str, Any], parts: Mapping[str, Mapping[str, Tensor]]
) -> tuple[Any, dict[str, Tensor]]:
    adapted = library("peft.tuners.lora").LoraLayer
    rank = {name: int(config.r) for name, config in held.items()}
    tensors: dict[str, Tensor] = {}
    last: set[str] = set()
    for place, module in model.named_modules():
        if not isinstance(module, adapted):
            continue
        last.add(place.rpartition(".")[2])
        products = [(parts[name], name) for name in held if f"{place}.lora_A.weight" in parts[name]]
        left = [part[f"{place}.lora_A.weight"] for part, _ in products]
        right = [part[f"{place}.lora_B.weight"] * module.scaling[name] for part, name in products]
        empty = sum(rank.values()) - sum(len(one) for one in left)
        if empty:  # a layer that not all of them have
            left.append(left[0].new_zeros(empty, left[0].shape[1]))
            right.append(right[0].new_zeros(right[0].shape[0], empty))
        tensors[f"{place}.lora_A.weight"] = torch.cat(left)
        tensors[f"{place}.lora_B.weight"] = torch.cat(right, dim=1)
    tokens: dict[str, list[int]] = {}
    for name, config in held.items():
        for table, ids in (config.trainable_token_indices or {}).items():
            key = f"{table}.token_adapter.trainable_tokens_delta"
            tokens[table] = [*tokens.get(table, []), *ids]
            tensors[key] = torch.cat([*([tensors[key]] if key in tensors else []), parts[name][key]])
    whole = sum(rank.values())
    config = library("peft").LoraConfig(
        task_type="CAUSAL_LM",
        r=whole,
        lora_alpha=whole,
        lora_dropout=held[TRAINED].lora_dropout,
        target_modules=sorted(last),
        trainable_token_indices=tokens or None,
    )
    return config, tensors
