"""What a MODEL is that a person names: a folder, a `gen train` output or a hub id; whole, or an adapter. No torch."""

import json
from pathlib import Path
from typing import Any

from dialogue.errors import UsageError
from trainer.nets.foreign import library
from trainer.nets.hub import near, to_be_had

ADAPTER = "adapter_config.json"
OWN = "duologue.json"
"""What we know of a model beyond the files of transformers and peft: its settings, ends of replies, rows."""


def resolve(model: str | Path) -> str:
    """The folder with the model's files, or the hub id as it stands.

    The output folder of `gen train` stands for the model in it. UsageError for a folder without a model, and for a
    path that leads nowhere.
    """
    text = str(model)
    folder = Path(text).expanduser()
    if folder.is_dir():
        for place in (folder, folder / "model"):
            if (place / ADAPTER).exists() or (place / "config.json").exists():
                return str(place)
        if (folder / "checkpoints").is_dir():
            raise UsageError(
                f"model {text}: its training has not finished; run it again, or name one of {folder / 'checkpoints'}"
            )
        raise UsageError(f"model {text}: a folder without config.json or {ADAPTER}; name a model's folder or a hub id")
    if folder.exists():
        raise UsageError(f"model {text}: a file; name a model's folder or a hub id")
    if text.startswith((".", "/", "~")) or text.count("/") > 1 or "\\" in text or text.endswith("/"):
        raise UsageError(f"model {text}: no such folder{near(text)}")
    return text


def adapter_config(place: str) -> dict[str, Any] | None:
    """The adapter's own settings; None where the place (as `resolve` gives it) is a whole model.

    A hub id is asked for at the hub, or in its cache without network.
    """
    if Path(place).is_dir():
        path = Path(place) / ADAPTER
        if not path.exists():
            return None
    else:
        to_be_had(place)
        found = library("transformers.utils.peft_utils").find_adapter_config_file(place)
        if found is None:
            return None
        path = Path(found)
    return _object(path)


def base_of(place: str, config: dict[str, Any]) -> str:
    """Where the base of an adapter lies: as the adapter names it, seen from here or from its own folder."""
    named = str(config.get("base_model_name_or_path") or "")
    if not named:
        raise UsageError(f"model {place}: {ADAPTER} names no base; give it by --model")
    beside = Path(place) / named
    if not Path(named).exists() and beside.is_dir():
        named = str(beside)
    try:
        base = resolve(named)
    except UsageError as error:
        raise UsageError(f"model {place}: its base is not to be found ({error})") from None
    if Path(base).is_dir() and (Path(base) / ADAPTER).exists():
        raise UsageError(
            f"model {place}: its base {named} is an adapter itself; fold that one in first: gen merge {named}"
        )
    return base


def local_adapter(place: str) -> Path:
    """The adapter's folder on this machine, fetched from the hub where it is a hub id."""
    if Path(place).is_dir():
        return Path(place)
    wanted = [ADAPTER, "adapter_model.safetensors", OWN, "tokenizer*", "*.jinja", "generation_config.json"]
    return Path(library("huggingface_hub").snapshot_download(place, allow_patterns=wanted))


def tokenizer_place(model: str | Path) -> str:
    """Where the tokenizer of a MODEL lies: with it, or with the base of an adapter that came without one."""
    place = resolve(model)
    found = adapter_config(place)
    if found is None or (local_adapter(place) / "tokenizer_config.json").exists():
        return place
    return base_of(place, found)


def called(place: str) -> str:
    """What a model is called for others: by its folder, in a training's output by the training; a hub id as it is."""
    folder = Path(place).resolve()
    if not folder.is_dir():
        return place
    of_training = folder.name == "model" and (folder.parent / "train.json").is_file()
    return folder.parent.name if of_training else folder.name


def own_facts(place: str, name: str = OWN) -> dict[str, Any]:
    """What `duologue.json`, or another file of that name, says; empty where the model is not ours."""
    path = Path(place) / name
    if not path.exists():
        return {}
    return _object(path)


def _object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path}: broken JSON ({error}); copy or fetch it anew") from None
    if not isinstance(value, dict):
        raise UsageError(f"{path}: expected a JSON object, got {str(value)[:40]!r}; copy or fetch it anew")
    return value
