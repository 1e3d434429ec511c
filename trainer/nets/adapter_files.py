"""What is kept of adapters: peft's files, and what is trained bit for bit."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dialogue.errors import UsageError
from trainer.nets.adapters import PREFIX, TRAINED, WEIGHTS, config_of
from trainer.nets.foreign import Model, library, unbroken
from trainer.nets.names import OWN, adapter_config, local_adapter, own_facts, resolve

HOLDS = "holds"
"""In duologue.json, and in train.json: the adapters that this one went on from."""
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


def held(folder: Path, name: str = OWN) -> list[str]:
    """Hashes of the adapters that this one went on from, the first of them first: their weights are in its own.

    `name` is the file that says so: of a training's folder train.json, noted when it began.
    """
    found = own_facts(str(folder), name).get(HOLDS, [])
    return [str(one) for one in found] if isinstance(found, list) else []


def held_after(model: str | None) -> list[str]:
    """The same of an adapter that will go on from `model`, or be added to it; empty where that is a whole model."""
    place = "" if model is None else resolve(model)
    if not place or adapter_config(place) is None:
        return []
    folder = local_adapter(place)
    return [*held(folder), digest(folder)] if (folder / WEIGHTS).exists() else []


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
    state = dict(weights or model.state_dict())
    if len(held) == 1:
        alone = library("peft").get_peft_model_state_dict(
            model, state_dict=state, adapter_name=TRAINED, save_embedding_layers=False
        )
        return held[TRAINED], {f"{PREFIX}{name}": value for name, value in _plain(alone)}
    config, tensors = _summed(model, held, {name: _parts(state, name) for name in held})
    return config, {f"{PREFIX}{name}": value for name, value in _plain(tensors)}


def _parts(state: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """What an adapter of the name has in a model with several, without its name.

    peft's own way expects of each that it has rows wherever another one has some.
    """
    part = re.compile(rf"\.(lora_A|lora_B|trainable_tokens_delta)\.{name}(?=\.|$)")
    return {part.sub(r".\1", key): value for key, value in state.items() if part.search(key)}


def _plain(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    for name, value in tensors.items():
        yield name, value.detach().cpu().contiguous()


def _summed(
    model: Model, held: Mapping[str, Any], parts: Mapping[str, Mapping[str, Tensor]]
) -> tuple[Any, dict[str, Tensor]]:
    adapted = library("peft.tuners.lora").LoraLayer
    tensors: dict[str, Tensor] = {}
    sizes: dict[str, int] = {}
    for part in parts.values():
        for key, value in part.items():
            sizes[key] = sizes.get(key, 0) + len(value) * key.endswith("lora_A.weight")
    whole = max(sizes.values())
    last: set[str] = set()
    for place, module in model.named_modules():
        if not isinstance(module, adapted):
            continue
        last.add(place.rpartition(".")[2])
        products = [(parts[name], name) for name in held if f"{place}.lora_A.weight" in parts[name]]
        left = [part[f"{place}.lora_A.weight"] for part, _ in products]
        right = [part[f"{place}.lora_B.weight"] * module.scaling[name] for part, name in products]
        empty = whole - sum(len(one) for one in left)
        if empty:  # a layer that not all of them have, or not of this rank
            left.append(left[0].new_zeros(empty, left[0].shape[1]))
            right.append(right[0].new_zeros(right[0].shape[0], empty))
        tensors[f"{place}.lora_A.weight"] = torch.cat(left)
        tensors[f"{place}.lora_B.weight"] = torch.cat(right, dim=1)
    tokens, rows = _token_rows(held, parts)
    config = library("peft").LoraConfig(
        task_type="CAUSAL_LM",
        r=whole,
        lora_alpha=whole,
        lora_dropout=held[TRAINED].lora_dropout,
        target_modules=sorted(last),
        trainable_token_indices=tokens or None,
    )
    return config, tensors | rows


def _token_rows(
    held: Mapping[str, Any], parts: Mapping[str, Mapping[str, Tensor]]
) -> tuple[dict[str, list[int]], dict[str, Tensor]]:
    """The rows of single tokens that the adapters train, table by table, and their tensors."""
    ids: dict[str, list[int]] = {}
    rows: dict[str, Tensor] = {}
    for name, config in held.items():
        asked = config.trainable_token_indices or {}
        for table, numbers in (asked if isinstance(asked, Mapping) else {"embed_tokens": asked}).items():
            ending = f"{table}.token_adapter.trainable_tokens_delta"
            key = next(one for one in parts[name] if one == ending or one.endswith(f".{ending}"))
            place = key.removesuffix(".token_adapter.trainable_tokens_delta")
            ids[place] = [*ids.get(place, []), *numbers]
            rows[key] = torch.cat([*([rows[key]] if key in rows else []), parts[name][key]])
    return ids, rows
