"""The files of a model that others load: weights, config, tokenizer, template, how replies are drawn."""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainer.nets.adapter_files import as_one
from trainer.nets.adapters import WEIGHTS
from trainer.nets.foreign import Model, Tokenizer, library
from trainer.nets.names import adapter_config, base_of, resolve
from trainer.settings import Decoding
from trainer.text.template import FOLDER, OWN

WITH_GENERATION = "template_with_generation.jinja"
"""A name that transformers does not look for: for those who mask by `{% generation %}`."""


def ends(model: Model, tokenizer: Tokenizer, stop_ids: Sequence[int]) -> list[int]:
    """Tokens that end a reply: the template's first, then the tokenizer's and those that the base ended with."""
    theirs = getattr(model.generation_config, "eos_token_id", None)
    before = theirs if isinstance(theirs, list) else [theirs]
    control = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    known = [*stop_ids, tokenizer.eos_token_id, *(number for number in before if number in control)]
    return list(dict.fromkeys(number for number in known if number is not None and number != tokenizer.pad_token_id))


def generation_config(decoding: Decoding, stop_ids: Sequence[int], tokenizer: Tokenizer) -> Any:
    """How servers shall draw replies: they are greedy without `do_sample`, and take 50 tokens without `top_k`."""
    sampling: dict[str, Any] = {"do_sample": False}
    if decoding.temperature > 0:
        sampling = {"do_sample": True, **decoding.model_dump(include={"temperature", "top_p", "top_k"})}
    return library("transformers").GenerationConfig(
        **sampling,
        repetition_penalty=decoding.repetition_penalty,
        max_new_tokens=decoding.max_new_tokens,
        eos_token_id=list(stop_ids),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
    )


def write_model(
    folder: Path, model: Model, dtype: torch.dtype | None = None, weights: Mapping[str, Tensor] | None = None
) -> None:
    """config.json and safetensors of a whole model, which servers then run with a cache."""
    held = dict(weights if weights is not None else model.state_dict())
    if dtype is not None:
        held = _cast(held, dtype)
    config = model.config
    before = config.use_cache, config.dtype
    config.use_cache = True
    try:
        if dtype is not None:
            config.dtype = dtype
        library("transformers.utils.logging").disable_progress_bar()
        with _own_generation(model):
            model.save_pretrained(folder, state_dict=held)
    finally:
        config.use_cache, config.dtype = before
    if dtype is not None:
        _name_dtype(folder / "config.json", dtype)


def template_text(template: str) -> str | None:
    """The template's TOML; None for the tokenizer's own."""
    if template == OWN:
        return None
    shipped = FOLDER / f"{template}.toml"
    return (shipped if shipped.is_file() else Path(template)).read_text(encoding="utf-8")


def stands_for(model: str) -> str:
    """The base as an adapter's file names it: a folder by its whole path, a hub id as it is."""
    place = resolve(model)
    found = adapter_config(place)
    base = place if found is None else base_of(place, found)
    return str(Path(base).resolve()) if Path(base).is_dir() else base


def write_adapter(folder: Path, model: Model, base: str, weights: Mapping[str, Tensor] | None = None) -> None:
    """peft's files of all that stands on the base, as one adapter."""
    config, tensors = as_one(model, weights)
    config = copy.copy(config)
    config.base_model_name_or_path = stands_for(base)
    config.inference_mode = True
    config.save_pretrained(str(folder))
    library("safetensors.torch").save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def write_tokenizer(folder: Path, tokenizer: Tokenizer, jinja: str, *, verbatim: bool = False) -> None:
    """The tokenizer with our template, as tokenizer.json and chat_template.jinja.

    `verbatim`: with its own template, byte for byte, for it may know more (tools), and ours in a file beside.
    """
    if verbatim:
        tokenizer.save_pretrained(folder)
        (folder / WITH_GENERATION).write_text(jinja, encoding="utf-8")
        return
    before = tokenizer.chat_template
    tokenizer.chat_template = jinja
    try:
        tokenizer.save_pretrained(folder)
    finally:
        tokenizer.chat_template = before


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """JSON that people read."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def _own_generation(model: Model) -> Iterator[None]:
    """transformers refuses to save a model whose base came with contradictory defaults; ours are written afterwards."""
    before = model.generation_config
    model.generation_config = library("transformers").GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = before


def _cast(held: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """The tensors in another precision; one under two names (tied embeddings) stays one, or it would be saved twice."""
    made: dict[tuple[int, torch.Size], Tensor] = {}
    found: dict[str, Tensor] = {}
    for name, value in held.items():
        key = value.data_ptr(), value.shape
        if key not in made:
            made[key] = value.to(dtype) if value.is_floating_point() else value
        found[name] = made[key]
    return found


def _name_dtype(path: Path, dtype: torch.dtype) -> None:
    config = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, {**config, "dtype": str(dtype).removeprefix("torch.")})
