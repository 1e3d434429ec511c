"""A trained model as one folder that others can load, and what a training needs to go on from it.

model.safetensors, config.json            a whole model; or
adapter_model.safetensors, adapter_config.json
tokenizer.json ..., chat_template.jinja   our template with generation marks, or the tokenizer's own as it came
template_with_generation.jinja            in that case: the same with generation marks, without what was not taught
generation_config.json                    how replies are drawn and where they end
README.md                                 the card of a finished model
template.toml, duologue.json              our template, settings, ends of replies that are text
state/                                    optimizer, place in the data, random numbers, what an adapter trains
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from pydantic import JsonValue
from torch import Tensor

from dialogue.errors import UsageError
from trainer.loop.folder import sweep, whole_folder
from trainer.loop.model_files import (
    ends,
    generation_config,
    template_text,
    write_adapter,
    write_json,
    write_model,
    write_tokenizer,
)
from trainer.nets.adapter_files import HOLDS, TRAINED_WEIGHTS, held, trained
from trainer.nets.foreign import Model, Tokenizer, library
from trainer.nets.names import OWN
from trainer.settings import TrainSettings, without_places

CHECKPOINTS = "checkpoints"
STATE = "state"
REQUEST = "train.json"


class Speech(Protocol):
    """What is asked of a renderer: the template for others, and where replies end."""

    @property
    def jinja(self) -> str: ...

    @property
    def verbatim(self) -> bool: ...

    @property
    def stop_ids(self) -> tuple[int, ...]: ...

    @property
    def stop_texts(self) -> tuple[str, ...]: ...


class State(NamedTuple):
    """All that a training needs besides its weights."""

    step: int
    """Steps done."""
    optimizer: dict[str, Any]
    """`state_dict()`."""
    cursor: dict[str, JsonValue]
    """Place in the data, best loss so far and whatever else the loop keeps."""
    random: dict[str, Tensor]
    """From `random_now`."""


def random_now() -> dict[str, Tensor]:
    """torch's random numbers, of the CPU and the current GPU."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_random(state: Mapping[str, Tensor]) -> None:
    """Go on with these random numbers."""
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


def save(
    folder: Path,
    model: Model,
    tokenizer: Tokenizer,
    renderer: Speech,
    settings: TrainSettings,
    card: str,
    state: State | None = None,
    *,
    weights: Mapping[str, Tensor] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write the folder, whole or not at all, in place of one that was there.

    `weights` by name where they were gathered from other processes. `dtype` is that of a whole model's file; None: as
    it is. A folder with `state` keeps float32, so that the training can go on bit for bit. RunStopped where the disk
    is full.
    """
    with whole_folder(folder) as beside:
        if getattr(model, "peft_config", None):
            assert settings.model is not None
            write_adapter(beside, model, settings.model, weights)
        else:
            write_model(beside, model, None if state is not None else dtype, weights)
        write_tokenizer(beside, tokenizer, renderer.jinja, verbatim=renderer.verbatim)
        stop_ids = ends(model, tokenizer, renderer.stop_ids)
        generation_config(settings.decoding, stop_ids, tokenizer).save_pretrained(beside)
        if card:
            (beside / "README.md").write_text(card, encoding="utf-8")
        if (template := template_text(settings.template)) is not None:
            (beside / "template.toml").write_text(template, encoding="utf-8")
        # Not of `.weight`: rows trained beside an adapter would be put into it, which parts of ranks cannot be.
        rows = max(len(part) for part in model.get_input_embeddings().parameters())
        write_json(beside / OWN, _facts(settings, renderer, stop_ids, rows))
        if state is not None:
            _write_state(beside, state, model, weights)


def step_folder(out: Path, step: int) -> Path:
    """Where a step's checkpoint lies."""
    return out / CHECKPOINTS / f"step-{step:06d}"


def checkpoints(out: Path) -> list[tuple[int, Path]]:
    """Steps and folders of all whole checkpoints, oldest first; torn ones are cleared away."""
    parent = out / CHECKPOINTS
    if not parent.is_dir():
        return []
    sweep(parent, "step-*")
    named = ((path.name.removeprefix("step-"), path) for path in parent.glob("step-*"))
    return sorted((int(number), path) for number, path in named if number.isdigit() and (path / STATE).is_dir())


def latest(out: Path) -> Path | None:
    """The last whole checkpoint of a training; None where there is none."""
    return max(checkpoints(out), default=(0, None))[1]


def prune(out: Path, keep: int, best: int | None = None) -> None:
    """Leave the last `keep` checkpoints and that of the step `best`."""
    for step, path in checkpoints(out)[:-keep]:
        if step != best:
            torn = path.with_name(f".{path.name}.new")  # half deleted it must not look like a checkpoint
            path.rename(torn)
            shutil.rmtree(torn, ignore_errors=True)


def read_state(folder: Path) -> State:
    """What `save` was given, bit for bit. UsageError where the folder holds no state."""
    try:
        cursor = json.loads((folder / STATE / "cursor.json").read_text(encoding="utf-8"))
        held = torch.load(folder / STATE / "state.pt", map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UsageError(f"{folder}: no checkpoint to go on from (no {STATE}/)") from None
    return State(cursor["step"], held["optimizer"], cursor["cursor"], held["random"])


def _facts(settings: TrainSettings, renderer: Speech, stop_ids: list[int], rows: int) -> dict[str, Any]:
    asked = without_places(settings).model_dump(mode="json")
    return {
        "rope": asked["rope"],
        "rows": rows,
        "stop_ids": stop_ids,
        "stop_texts": list(renderer.stop_texts),
        HOLDS: held(settings.out, REQUEST) if settings.lora is not None else [],
        "settings": asked,
    }


def _write_state(folder: Path, state: State, model: Model, weights: Mapping[str, Tensor] | None) -> None:
    (folder / STATE).mkdir()
    torch.save({"optimizer": state.optimizer, "random": state.random}, folder / STATE / "state.pt")
    write_json(folder / STATE / "cursor.json", {"step": state.step, "cursor": state.cursor})
    if getattr(model, "peft_config", None):
        library("safetensors.torch").save_file(trained(model, weights), folder / TRAINED_WEIGHTS)
