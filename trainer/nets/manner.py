"""How a model speaks already: the template of its dialogues, and how its replies are drawn."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dialogue.errors import UsageError
from trainer.nets.foreign import library
from trainer.nets.names import adapter_config, base_of, own_facts, tokenizer_place
from trainer.settings import Decoding, TrainSettings
from trainer.text import tokenizer as tokenizers
from trainer.text.render import renderer
from trainer.text.template import FOLDER, OWN


def template_of(place: str, settings: TrainSettings, said: Callable[[str], None]) -> dict[str, Any]:
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


def side_of(place: str, settings: TrainSettings) -> dict[str, Any]:
    """The side that a model of ours was taught, where that is the user's and nobody states which is to be taught."""
    facts = own_facts(place).get("settings", {})
    if "train_on" in settings.model_fields_set or facts.get("train_on") != "user":
        return {}
    unstated = {"brief", "endings"} - settings.model_fields_set
    return {"train_on": "user", **{name: True for name in sorted(unstated) if facts.get(name)}}


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


def decoding_of(place: str, settings: TrainSettings) -> dict[str, Any]:
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


def told(value: Any) -> str:
    """A value as a person reads it: of how replies are drawn what is not by default."""
    if not isinstance(value, Decoding):
        return str(value)
    plain = Decoding()
    changed = {name: part for name, part in value.model_dump().items() if part != getattr(plain, name)}
    return ", ".join(f"{name} {part:g}" for name, part in changed.items())


def tokens_added(place: str, template: str) -> str | None:
    """What the template adds to the model's tokens, for people; None: nothing."""
    tokenizer, new = tokenizers.load(tokenizer_place(place), template)
    if not new:
        return None
    names = ", ".join(map(str, tokenizer.convert_ids_to_tokens(list(new))))
    return f"template {template}: {len(new)} token{'s' * (len(new) > 1)} added ({names})"
