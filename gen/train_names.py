"""What other trainers call our settings: asked for by their names, ours are told."""

import re
from difflib import get_close_matches

from pydantic import BaseModel

from trainer.settings import Decoding, LoraSettings, RopeSettings, ScratchSettings, TrainSettings

OURS = {
    "learning_rate": "lr",
    "num_train_epochs": "epochs",
    "num_epochs": "epochs",
    "per_device_train_batch_size": "batch, examples of a whole step over all GPUs",
    "train_batch_size": "batch, examples of a whole step over all GPUs",
    "batch_size": "batch, examples of a whole step over all GPUs",
    "gradient_accumulation_steps": "batch, examples of a whole step; micro_tokens go through at once",
    "max_seq_length": "max_length",
    "model_max_length": "max_length",
    "lr_scheduler_type": "schedule",
    "save_steps": "save_every",
    "eval_steps": "eval_every",
    "logging_steps": "log_every",
    "save_total_limit": "keep",
    "report_to": "wandb = PROJECT; tensorboard and log.jsonl are written always",
    "bf16": "dtype = bfloat16",
    "fp16": "dtype = bfloat16, no float16",
    "packing": "batches = pack, group or pad",
    "output_dir": "out",
    "model_name_or_path": "model",
    "train_file": "data",
    "dataset": "data",
    "eval_dataset": "validation",
    "eval_data_path": "validation",
    "eval_file": "validation",
    "validation_file": "validation",
    "test_datasets": "validation",
    "val_size": "validation",
    "val_set_size": "validation",
    "optim": "nothing: it is AdamW",
    "max_grad_norm": "clip",
    "adam_epsilon": "eps",
    "lora_r": "lora.r",
    "lora_rank": "lora.r",
    "lora_alpha": "lora.alpha",
    "lora_dropout": "lora.dropout",
    "lora_target_modules": "lora.targets",
    "target_modules": "lora.targets",
    "load_in_4bit": "lora.bits = 4",
    "resume": "nothing: the same command goes on from the last checkpoint",
    "resume_from_checkpoint": "nothing: the same command goes on from the last checkpoint",
}
"""Names of TRL, transformers, FastChat and others, and what it is here."""


INNER: dict[str, type[BaseModel]] = {
    "lora": LoraSettings,
    "scratch": ScratchSettings,
    "rope": RopeSettings,
    "decoding": Decoding,
}
"""The settings that are tables, and what is in them."""


def here_it_is(name: str, table: str | None = None) -> str | None:
    """What somebody else's setting is here, or where a setting of ours stands; None where we do not know it.

    `table`: the one in which it was looked for.
    """
    name = name.lower().replace("-", "_")
    found = OURS.get(name) or OURS.get(f"{table}_{name}")
    return found or next((f"{place}.{name}" for place, shape in INNER.items() if name in shape.model_fields), None)


def nearly(name: str) -> str | None:
    """The same for somebody else's setting that is mistyped."""
    near = get_close_matches(name.lower().replace("-", "_"), OURS, n=1, cutoff=0.85)
    return OURS[near[0]] if near else None


def option_for(option: str, flags: tuple[str, ...]) -> str | None:
    """What to write for an option that there is not: a flag, a --set, or what it is here."""
    name, equals, value = option.removeprefix("--").partition("=")
    name = name.replace("-", "_")
    if name in TrainSettings.model_fields:
        return f"give it as --set {name}={value if equals else '...'}"
    found = here_it_is(name)
    if found is None:
        return None
    ours = re.split(r"[ ,:]", found)[0]
    if ours in ("nothing", "data"):
        return f"here it is {found}"
    written = f"--{ours.replace('_', '-')}" if ours in (*flags, "out") else f"--set {ours}"
    return f"here it is {written}{found.removeprefix(ours)}"
