"""What nobody stated and the model decides: how dialogues are written, how replies are drawn, how long examples are."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dialogue.errors import UsageError
from trainer.nets.foreign import library
from trainer.nets.kinds import check_length, config_of
from trainer.nets.names import adapter_config, base_of, own_facts, resolve, tokenizer_place
from trainer.nets.rope import reach, stretch
from trainer.settings import Decoding, TrainSettings
from trainer.stages import stages
from trainer.text import tokenizer as tokenizers
from trainer.text.render import renderer
from trainer.text.template import FOLDER, OWN

SHORTEST = 16
"""Tokens that `max_length` may have at least."""


def by_model(settings: TrainSettings, said: Callable[[str], None]) -> TrainSettings:
    """The settings with `template`, `decoding` and `max_length` as the model has them, where they are not stated.

    What is the model's is said, and what the template adds to its vocabulary. Of a chain of stages it is the model of
    the first one, and `max_length` is left as it was written.

    UsageError, before any data is read, where the model is not to be had, is no causal language model, or has fewer
    positions than are asked for.
    """
    model = settings.model if not settings.stages else stages(settings)[0].model
    if model is None:
        found = {} if settings.stages else _length(settings, settings.scratch.context)
    else:
        place = resolve(model)
        config = config_at(place, settings)
        found = {**_template(place, settings, said), **_decoding(place, settings)}
        if not settings.stages:
            found |= _length(settings, reach(config))
    made = settings.model_copy(update=found)
    if model is not None and not settings.stages:
        check_length(config, made)
    for name, value in found.items():
        said(f"{name} = {told(value)}: the model's own; state it to have another")
    if model is not None:
        _say_added(place, made, said)
    return made


def told(value: Any) -> str:
    """A value as a person reads it: of how replies are drawn what is not by default."""
    if not isinstance(value, Decoding):
        return str(value)
    plain = Decoding()
    changed = {name: part for name, part in value.model_dump().items() if part != getattr(plain, name)}
    return ", ".join(f"{name} {part:g}" for name, part in changed.items())


def _say_added(place: str, settings: TrainSettings, said: Callable[[str], None]) -> None:
    template = str(stages(settings)[0].template)
    tokenizer, new = tokenizers.load(tokenizer_place(place), template)
    if new:
        names = ", ".join(map(str, tokenizer.convert_ids_to_tokens(list(new))))
        said(f"template {template}: {len(new)} token{'s' * (len(new) > 1)} added ({names})")


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


def _template(place: str, settings: TrainSettings, said: Callable[[str], None]) -> dict[str, Any]:
    """The template that a model speaks: of ours the one it was taught with, of others the tokenizer's, if it can be.

    A model of ours: by its name, where that still means the same.
    """
    if "template" in settings.model_fields_set:
        return {}
    facts = own_facts(place).get("settings", {})
    if not facts:
        return _of_tokenizer(place, settings, said)
    name = str(facts.get("template"))
    path, shipped = Path(place) / "template.toml", FOLDER / f"{name}.toml"
    same = name == OWN or (shipped.is_file() and path.is_file() and shipped.read_bytes() == path.read_bytes())
    found = name if same else str(path) if path.is_file() else settings.template
    return {} if found == settings.template else {"template": found}


def _of_tokenizer(place: str, settings: TrainSettings, said: Callable[[str], None]) -> dict[str, Any]:
    """`own` where the tokenizer has a template that can be taken apart; why not is said where it has another."""
    where = tokenizer_place(place)
    if not tokenizers.load(where, settings.template).tokenizer.chat_template:
        return {}
    try:
        renderer(tokenizers.load(where, OWN).tokenizer, settings.model_copy(update={"template": OWN}))
    except UsageError as error:
        why = str(error).removeprefix(f"template = {OWN}: ").partition("; choose one of")[0]
        said(f"template = {settings.template}, not the model's own: {why}")
        return {}
    return {"template": OWN}


def _decoding(place: str, settings: TrainSettings) -> dict[str, Any]:
    """How the model's own file has its replies drawn, in what is not stated; greedy only where it expressly says so."""
    asked = settings.decoding
    stated = asked.model_fields_set if "decoding" in settings.model_fields_set else set()
    theirs = _generation(place)
    if theirs.get("do_sample") is False:
        theirs["temperature"] = 0.0
    found: dict[str, Any] = {}
    for name in Decoding.model_fields:
        if name not in stated and theirs.get(name) is not None:
            with suppress(ValidationError):  # what others write there may be anything
                found[name] = getattr(Decoding.model_validate({name: theirs[name]}), name)
    made = asked.model_copy(update=found)
    return {} if made == asked else {"decoding": made}


def _generation(place: str) -> dict[str, Any]:
    """What generation_config.json says, of an adapter without one that of its base; empty where there is none."""
    adapter = adapter_config(place)
    for where in (place, *([base_of(place, adapter)] if adapter is not None else [])):
        try:
            found: dict[str, Any] = library("transformers").GenerationConfig.from_pretrained(where).to_dict()
        except (OSError, ValueError):
            continue
        return found
    return {}
