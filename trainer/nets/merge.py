"""Adapters folded into their base: one whole model that needs neither peft nor us."""

import json
import shutil
import warnings
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import torch

from dialogue.disk import saved_is
from dialogue.errors import UsageError
from trainer.loop.folder import whole_folder
from trainer.loop.merged_card import merged_card
from trainer.loop.model_files import WITH_GENERATION, write_json, write_model
from trainer.nets import adapter_files, adapters
from trainer.nets.base import adapter_base
from trainer.nets.foreign import Model, first_line, library, unbroken
from trainer.nets.kinds import config_of
from trainer.nets.names import OWN, adapter_config, base_of, local_adapter, own_facts, resolve

MERGE = "merge.json"
TOKENIZER = "tokenizer_config.json"
"""What an adapter has that came with a tokenizer."""


def folders_of(places: Sequence[str], model: str | None = None) -> tuple[list[Path], str]:
    """The adapters' folders and the base that they share.

    UsageError where one is none, stands on another base, or holds what another one holds.
    """
    if not places:
        raise UsageError("no adapter named, so nothing to merge")
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
        else:
            _same_kind(given, place, config, model)
    if model is not None:
        bases = {resolve(model): model}
    if len(bases) > 1:
        (one, first), (other, second) = list(bases.items())[:2]
        raise UsageError(f"{first} stands on {one}, {second} on {other}: name the base that both belong to by --model")
    (base,) = bases
    if adapter_config(base) is not None:
        raise UsageError(f"--model {model}: an adapter itself; name its base, and this one among the adapters")
    _check_apart(places, folders)
    return folders, base


def _check_apart(places: Sequence[str], folders: Sequence[Path]) -> None:
    """UsageError where weights would count twice: one adapter holds another, or two hold the one they began with."""
    own = [adapter_files.digest(folder) for folder in folders]
    held = [set(adapter_files.held(folder)) for folder in folders]
    for (one, first), (other, second) in combinations(enumerate(places), 2):
        if own[one] == own[other]:
            raise UsageError(f"{first}, {second}: the same adapter, which would count twice; leave one of them out")
        for inner, outer, part, whole in ((one, other, first, second), (other, one, second, first)):
            if own[inner] in held[outer]:
                raise UsageError(
                    f"{whole} went on from {part} and holds it already, so it would count twice; leave {part} out"
                )
        if held[one] & held[other]:
            raise UsageError(
                f"{first} and {second} went on from the same adapter and both hold it, so it would count twice; fold "
                "that one in first, and train both on the result"
            )


def _same_kind(given: str, place: str, config: dict[str, Any], model: str) -> None:
    """UsageError where the adapter's own base, if it is to be had here, is of another family or shape than `model`.

    Shapes alone may be alike where the mathematics is not: a Llama's adapter fits into a Qwen2 and means nothing there.
    """
    try:
        own = base_of(place, config)
        if not Path(own).is_dir() or adapter_config(resolve(model)) is not None:
            return
    except UsageError:
        return
    theirs, named = config_of(own).get_text_config(), config_of(resolve(model)).get_text_config()
    for field in ("model_type", "hidden_size", "num_hidden_layers"):
        one, other = getattr(theirs, field, None), getattr(named, field, None)
        if one != other:
            raise UsageError(f"--model {model}: {field} = {other}, and {given} was trained on {own} with {one}")


def merged(folders: Sequence[Path], base: str) -> Model:
    """The base with all adapters folded in, in their order, computed in float32.

    Plain LoRAs are summed, so their order does not matter; a DoRA counts from what was folded in before it. The row of
    a token that several have trained is the last one's.
    """
    model = adapter_base(folders, base, torch.float32, torch.device("cpu"))
    for folder in folders:
        adapters.config_of(folder)
        try:
            with warnings.catch_warnings(), unbroken(folder / adapters.WEIGHTS):
                warnings.simplefilter("ignore", FutureWarning)  # between peft and transformers
                held: Any = library("peft").PeftModel.from_pretrained(model, str(folder))
        except (ValueError, RuntimeError, KeyError) as error:
            raise UsageError(f"model {folder}: does not fit its base: {first_line(error)}") from None
        model = held.merge_and_unload(safe_merge=True)
    return model.requires_grad_(False).eval()


def merge(places: Sequence[str], out: Path, model: str | None = None, dtype: str | None = None) -> dict[str, Any]:
    """Write the base with the adapters folded in to `out`, whole or not at all; returns what lies in merge.json.

    `dtype` is the precision of its file; None: that of the base's. Tokenizer, template and decoding are those of the
    last adapter that has them. UsageError where adapters do not belong together, or `out` holds something else.
    """
    folders, base = folders_of(places, model)
    kept = getattr(torch, dtype) if dtype is not None else _dtype_of(base)
    about: dict[str, Any] = {
        "base": base,
        "adapters": [_described(folder) for folder in folders],
        "dtype": str(kept).removeprefix("torch."),
    }
    _refuse_another(out, about)
    source = next((folder for folder in reversed(folders) if (folder / TOKENIZER).exists()), Path(resolve(base)))
    whole = merged(folders, base)
    with saved_is(lambda: "nothing of it was written"), whole_folder(out) as beside:
        write_model(beside, whole, kept)
        tokenizers = library("transformers").AutoTokenizer
        tokenizers.from_pretrained(str(source), trust_remote_code=False).save_pretrained(beside)
        for name in ("generation_config.json", "template.toml", WITH_GENERATION):
            if (source / name).exists():
                shutil.copyfile(source / name, beside / name)
        if facts := own_facts(str(source)):
            write_json(beside / OWN, {**facts, "rope": None})
        text = merged_card(out.resolve().name, base, about["adapters"], source)
        (beside / "README.md").write_text(text, encoding="utf-8")
        write_json(beside / MERGE, about)
    return about


def _refuse_another(out: Path, about: dict[str, Any]) -> None:
    try:
        before = json.loads((out / MERGE).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        before = None
    if before is None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {out}: is there already, and no merged model; name another folder")
    if before is not None and before != about:
        raise UsageError(f"--out {out}: holds another merge ({before.get('base')} and others); name another folder")


def _dtype_of(base: str) -> torch.dtype:
    named = config_of(base).dtype
    found: torch.dtype = named if isinstance(named, torch.dtype) else getattr(torch, str(named or "float32"))
    return found


def _described(folder: Path) -> dict[str, Any]:
    config = adapters.config_of(folder)
    targets = config.target_modules
    return {
        "folder": str(folder),
        "hash": adapter_files.digest(folder),
        "r": config.r,
        "alpha": config.lora_alpha,
        "dora": config.use_dora,
        "targets": sorted(targets) if isinstance(targets, set) else targets,
    }
