"""Low-rank adapters (peft) inside a transformers model: new, trained on, or new on a frozen one.

The model stays of its own class; the layers that have an adapter hold it.
"""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from dialogue.errors import UsageError
from trainer.nets.foreign import Model, first_line, library, unbroken
from trainer.nets.names import ADAPTER
from trainer.settings import LoraSettings

TRAINED = "default"
FROZEN = "first"
WEIGHTS = "adapter_model.safetensors"
PREFIX = "base_model.model."
"""Stands before every name in peft's files."""


class Counts(NamedTuple):
    """Numbers of parameters."""

    trained: int
    all: int


def counts(model: nn.Module) -> Counts:
    """How many parameters are trained, and how many there are."""
    sizes = [(parameter.requires_grad, parameter.numel()) for parameter in model.parameters()]
    return Counts(sum(size for taught, size in sizes if taught), sum(size for _, size in sizes))


def add(model: Model, lora: LoraSettings, new_ids: Sequence[int] = (), *, seed: int = 0) -> None:
    """Put a new adapter into the model; all else is frozen, an adapter that was there still counts.

    Rows of `new_ids` are trained with it at the input and, where that is another table, at the output: a frozen mean
    row could never be the likeliest token, and the model would not learn to stop.
    """
    targets = _targets(model, lora)
    tokens = _token_rows(model, new_ids) if new_ids else None
    config = library("peft").LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        use_dora=lora.dora,
        trainable_token_indices=tokens,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            _inject(model, config, TRAINED)
        except ValueError as error:  # as Mamba's, whose kernels pass by some of its layers
            raise UsageError(f"lora.targets = {', '.join(targets)}: {first_line(error)}") from None
    _activate(model)


def attach(model: Model, folder: Path, name: str = TRAINED) -> None:
    """Put the adapter of a folder into the model under a name. UsageError where it is none, or does not fit."""
    config = config_of(folder)
    if name == FROZEN and (config.use_dora or config.modules_to_save or config.bias != "none" or _embeds(folder)):
        raise UsageError(
            f"model {folder}: no plain LoRA, so nothing can be summed with it; fold it in first: gen merge {folder}"
        )
    if name == FROZEN:
        config.lora_dropout = 0.0  # what is not trained is to be the same at every step
    _attach(model, config, folder, name)


def _embeds(folder: Path) -> bool:
    """Whether it adapts a table of embeddings, which is looked up and not multiplied."""
    with unbroken(folder / WEIGHTS), library("safetensors").safe_open(folder / WEIGHTS, framework="pt") as file:
        return any("lora_embedding_" in name for name in file.keys())  # noqa: SIM118 - no mapping


def resume(model: Model, lora: LoraSettings, folder: Path) -> None:
    """Put the adapter of a folder into the model, to be trained on. UsageError where `lora` says another shape."""
    config = config_of(folder)
    if config.modules_to_save or config.bias != "none":
        raise UsageError(f"model {folder}: trains whole modules besides; fold it in first: gen merge {folder}")
    theirs = {"r": config.r, "alpha": config.lora_alpha, "dora": config.use_dora}
    for field, value in theirs.items():
        if getattr(lora, field) != value:
            raise _another_shape(folder, field, getattr(lora, field), value)
    targets = config.target_modules
    if lora.targets != "all-linear" and set(lora.targets) != (targets if isinstance(targets, set) else {targets}):
        raise _another_shape(folder, "targets", sorted(lora.targets), targets)
    config.lora_dropout = lora.dropout
    _attach(model, config, folder, TRAINED)


def config_of(folder: Path) -> Any:
    """The adapter's settings. UsageError where it is no LoRA."""
    if not (folder / WEIGHTS).exists():
        raise UsageError(f"model {folder}: {ADAPTER} without {WEIGHTS}; adapters are read from safetensors only")
    config = library("peft").PeftConfig.from_pretrained(str(folder))
    if not isinstance(config, library("peft").LoraConfig):
        raise UsageError(f"model {folder}: a {config.peft_type} adapter; expected LoRA")
    config.inference_mode = False
    return config


def quantised(bits: int) -> Any:
    """transformers' settings for a base in 4 or 8 bits (QLoRA: Dettmers et al. 2023, arXiv 2305.14314)."""
    from importlib.util import find_spec

    if find_spec("bitsandbytes") is None:
        raise UsageError(
            f"lora.bits = {bits}: needs bitsandbytes (pip install bitsandbytes) and a GPU; or leave it out"
        )
    settings = library("transformers").BitsAndBytesConfig
    if bits == 8:
        return settings(load_in_8bit=True)
    return settings(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def _inject(model: Model, config: Any, name: str) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")  # it is to hold several
        warnings.simplefilter("ignore", FutureWarning)  # between peft and transformers
        library("peft").inject_adapter_in_model(config, model, name)
    for place, parameter in model.named_parameters():
        if name in place.split(".") and ("lora_" in place or "trainable_tokens" in place):
            parameter.data = parameter.data.float()


def _attach(model: Model, config: Any, folder: Path, name: str) -> None:
    with unbroken(folder / WEIGHTS):
        found = library("safetensors.torch").load_file(folder / WEIGHTS)
    values = {place.removeprefix(PREFIX): value for place, value in found.items()}
    try:
        _inject(model, config, name)
        report = library("peft").set_peft_model_state_dict(model, values, adapter_name=name)
    except (ValueError, RuntimeError, KeyError) as error:
        raise UsageError(f"model {folder}: does not fit its base: {first_line(error)}") from None
    own = {place for place, _ in model.named_parameters() if name in place.split(".")}  # tied ones once
    lost = [key for key in report.missing_keys if key in own]
    if lost or report.unexpected_keys:
        raise UsageError(f"model {folder}: does not fit its base: {[*lost, *report.unexpected_keys][0]}")
    _activate(model)


def _activate(model: Model) -> None:
    """Let all adapters speak, and train the one that is to be trained."""
    kinds = library("peft.tuners.tuners_utils").BaseTunerLayer, library("peft.utils.other").AuxiliaryTrainingWrapper
    for module in model.modules():
        if isinstance(module, kinds):
            own = module.adapter_layer_names
            there = [name for name in model.peft_config if any(name in _holder(module, attribute) for attribute in own)]
            if there:
                module.set_adapter(there)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(TRAINED in name.split("."))


def _holder(module: nn.Module, attribute: str) -> Any:
    for part in attribute.split("."):
        module = getattr(module, part)
    return module


def _linears(model: nn.Module) -> Iterator[str]:
    """Full names of the layers that can have an adapter, or have one: all linear ones that are no adapter's part."""
    adapted = library("peft.tuners.lora").LoraLayer
    plain = nn.Linear, library("transformers.pytorch_utils").Conv1D
    inside: tuple[str, ...] = ()
    for name, module in model.named_modules():
        if inside and name.startswith(inside):
            continue
        if isinstance(module, adapted):
            inside = (*inside, f"{name}.")
            yield name
        elif isinstance(module, plain):
            yield name


def _targets(model: Model, lora: LoraSettings) -> list[str]:
    """Last parts of the names of the layers that get an adapter. UsageError where a named one is not there."""
    head = model.get_output_embeddings()
    own = [name for name, module in model.named_modules() if module is head]
    last = {name.rpartition(".")[2] for name in _linears(model) if not any(name.startswith(part) for part in own)}
    if lora.targets == "all-linear":
        return sorted(last)
    for target in lora.targets:
        if target not in last:
            raise UsageError(
                f"lora.targets: {model.config.model_type} has no linear layer {target} ({', '.join(sorted(last))})"
            )
    return sorted(lora.targets)


def _token_rows(model: Model, ids: Sequence[int]) -> dict[str, list[int]]:
    """The tables whose rows are trained, by name."""
    tables: list[Any] = [model.get_input_embeddings(), model.get_output_embeddings()]
    if getattr(tables[1], "bias", None) is not None:
        raise UsageError(
            f"template: adds tokens, and the output layer of {model.config.model_type} has a bias, with which single "
            "rows cannot be trained beside an adapter; take a template without new tokens, or train all weights"
        )
    first, last = (getattr(table, "original_module", table) for table in tables)  # beneath an adapter that was there
    if first.weight is last.weight:
        del tables[1]
    return {name: sorted(ids) for name, module in model.named_modules() if any(module is table for table in tables)}


def _another_shape(folder: Path, field: str, mine: object, theirs: object) -> UsageError:
    return UsageError(
        f"lora.{field} = {mine}: the adapter {folder} has {theirs}, and keeps it when it is trained on; "
        f'set lora.{field} = {theirs}, or lora.onto = "freeze" for a new one on top'
    )
