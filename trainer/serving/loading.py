"""A MODEL that a person names, opened for use: weights, tokenizer, voice, and how it wants to be drawn."""

import copy
from pathlib import Path
from typing import Any, NamedTuple

from dialogue.errors import UsageError
from trainer.nets.base import open_model
from trainer.nets.foreign import library
from trainer.nets.names import own_facts, resolve, tokenizer_place
from trainer.serving.engine import Engine, Sampling
from trainer.serving.voice import Voice, voice

DTYPES = ("auto", "float32", "bfloat16", "float16")


class Loaded(NamedTuple):
    """An engine and what talks to it."""

    engine: Engine
    voice: Voice
    sampling: Sampling
    """As the model's generation_config.json has it."""
    name: str
    net: Any
    """The network that the engine steps, for those who want its scores."""


def opened(
    model: str | Path, *, device: str | None = None, dtype: str | None = None, max_batch: int = 64, name: str = ""
) -> Loaded:
    """The model in a folder, a training's output or a hub id, adapters included. Raises UsageError.

    `device` None: a GPU where there is one. `dtype` None or auto: as in the file, but float32 on a CPU.
    """
    torch = library("torch")
    where = _device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    precision = _precision(dtype, where.type)
    place = resolve(model)
    tokenizer = _tokenizer(place)
    net = open_model(place, where, precision)
    manner = voice(tokenizer, place, own_facts(place))
    engine = Engine(
        net,
        copy.deepcopy(tokenizer),  # prompts and replies are worked on by two threads, and a tokenizer is for one
        max_batch=max_batch,
        stop_ids=manner.stop_ids,
        stop_texts=manner.stop_texts,
        lead=manner.lead,
    )
    return Loaded(engine, manner, defaults(net.generation_config), name or name_of(place), net)


def _device(name: str) -> Any:
    """The device, which has computed something. UsageError where it cannot."""
    torch = library("torch")
    try:
        where = torch.device(name)
    except RuntimeError:
        raise UsageError(
            f"--device {name}: no device that torch knows; take cpu, cuda, cuda:1, or leave it out"
        ) from None
    try:
        torch.zeros(1, device=where).item()
    except (RuntimeError, AssertionError, ModuleNotFoundError):  # their texts are a list of all backends, or worse
        raise UsageError(
            f"--device {name}: not on this machine, or not in this torch; take cpu, or leave it out"
        ) from None
    return where


def name_of(place: str) -> str:
    """What a model is called where nobody named it: its folder, or that of the training it came from."""
    path = Path(place)
    if not path.is_dir():
        return place
    path = path.resolve()
    return path.parent.name if path.name == "model" else path.name


def defaults(config: Any) -> Sampling:
    """How replies are drawn where a request does not say.

    As the file says; where it says nothing, as the world expects of an endpoint: temperature 1, all tokens. Only an
    express `do_sample: false` makes a model greedy: a file that was saved without a thought does not.
    """
    if config is None:
        return Sampling()
    temperature = 0.0 if config.do_sample is False else _or(config.temperature, 1.0)
    return Sampling(
        temperature=temperature,
        top_p=_or(config.top_p, 1.0),
        top_k=_or(config.top_k, 0),
        repetition_penalty=_or(config.repetition_penalty, 1.0),
        max_tokens=config.max_new_tokens,
    )


def _or(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value


def _precision(dtype: str | None, device: str) -> Any:
    if dtype not in (None, *DTYPES):
        raise UsageError(f"--dtype {dtype}: expected {', '.join(DTYPES)}")
    if dtype in (None, "auto"):
        return library("torch").float32 if device == "cpu" else None
    return getattr(library("torch"), str(dtype))


def _tokenizer(place: str) -> Any:
    transformers = library("transformers")
    lies = tokenizer_place(place)
    try:
        found = transformers.AutoTokenizer.from_pretrained(lies, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"model {place}: no tokenizer to be had: {str(error).splitlines()[0]}") from None
    if not isinstance(found, transformers.PreTrainedTokenizerFast):
        raise UsageError(f"model {place}: its tokenizer has no fast form (tokenizer.json); convert it first")
    return found
