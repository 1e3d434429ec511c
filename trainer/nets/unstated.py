"""What nobody stated and the model decides: how dialogues are written down, and how long an example may be."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dialogue.errors import UsageError
from trainer.nets.kinds import check_length, config_of
from trainer.nets.names import adapter_config, base_of, own_facts, resolve
from trainer.nets.rope import reach, stretch
from trainer.settings import TrainSettings
from trainer.text.template import FOLDER, OWN

SHORTEST = 16
"""Tokens that `max_length` may have at least."""


def by_model(settings: TrainSettings, said: Callable[[str], None]) -> TrainSettings:
    """The settings with `template` and `max_length` as the model has them, where they are not stated; said if so.

    A chain of stages is left as it was written.

    UsageError, before any data is read, where the model is not to be had, is no causal language model, or has fewer
    positions than are asked for.
    """
    if settings.stages:
        return settings  # each begins from a model of its own, and states what differs
    if settings.model is None:
        found = _length(settings, settings.scratch.context)
    else:
        place = resolve(settings.model)
        config = config_at(place, settings)
        found = {**_template(place, settings), **_length(settings, reach(config))}
    made = settings.model_copy(update=found)
    if settings.model is not None:
        check_length(config, made)
    for name, value in found.items():
        said(f"{name} = {value}: the model's own; state it to have another")
    return made


def config_at(place: str, settings: TrainSettings) -> Any:
    """The config of the model at a place, as `resolve` gives it, or of an adapter's base; stretched as asked."""
    adapter = adapter_config(place)
    config = config_of(place if adapter is None else base_of(place, adapter))
    if settings.rope is not None:
        stretch(config, settings.rope)
    return config


def _length(settings: TrainSettings, have: int | None) -> dict[str, Any]:
    if "max_length" in settings.model_fields_set or have is None or have >= settings.max_length:
        return {}
    if have < SHORTEST:
        raise UsageError(f"model {settings.model}: {have} positions, and no example has fewer than {SHORTEST} tokens")
    return {"max_length": have}


def _template(place: str, settings: TrainSettings) -> dict[str, Any]:
    """The template that a model of ours was taught with: by its name, where that still means the same."""
    name = str(own_facts(place).get("settings", {}).get("template"))
    path, shipped = Path(place) / "template.toml", FOLDER / f"{name}.toml"
    same = name == OWN or (shipped.is_file() and path.is_file() and shipped.read_bytes() == path.read_bytes())
    found = name if same else str(path) if path.is_file() else settings.template
    return {} if "template" in settings.model_fields_set or found == settings.template else {"template": found}
