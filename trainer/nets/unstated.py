"""What nobody stated and the model decides: how dialogues are written, whose side is taught, how replies are drawn."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dialogue.errors import UsageError
from trainer.nets.adapters import counts
from trainer.nets.base import skeleton
from trainer.nets.kinds import check_length, config_of
from trainer.nets.manner import decoding_of, side_of, template_of, tokens_added, told
from trainer.nets.names import adapter_config, base_of, resolve
from trainer.nets.rope import reach, stretch
from trainer.settings import TrainSettings
from trainer.stages import of_stage, roots, stages

OTHER = "state it to have another"
SHORTEST = 16
"""Tokens that `max_length` may have at least."""


def by_model(settings: TrainSettings, said: Callable[[str], None]) -> TrainSettings:
    """The settings with `template`, `decoding` and `max_length` as the model has them, where they are not stated.

    One that was taught the user's side goes on with that.

    What is the model's is said, and what the template adds to its vocabulary. Of a chain the first stage's model says
    how dialogues are written and replies drawn, that with the fewest positions how long an example may be.

    UsageError, before any data is read, where the model is not to be had, is no causal language model, or has fewer
    positions than are asked for.
    """
    chain = stages(settings)
    with of_stage(settings, 0):
        place = None if chain[0].model is None else resolve(chain[0].model)
        found: dict[str, Any] = {}
        if place is not None:
            config_at(place, chain[0])  # what is no causal language model is told before its tokenizer is looked at
            found = side_of(place, chain[0])
            asked = chain[0].model_copy(update=found)
            found |= {**template_of(place, asked, said), **decoding_of(place, settings)}
    found |= _length(settings, chain)
    made = settings.model_copy(update=found)
    if settings.model is not None and not settings.stages:
        check_length(config_at(resolve(settings.model), made), made)
    try:
        made.check_micro_tokens()
    except ValueError as error:
        raise UsageError(str(error)) from None
    for name, value in found.items():
        said(f"{name} = {told(value)}: the model's own; {OTHER}")
    if place is not None and (added := tokens_added(place, stages(made)[0].template)) is not None:
        said(added)
    return made


def chosen(settings: TrainSettings) -> Iterator[str]:
    """What else is done because nobody said otherwise, for people; of a chain what holds for all of it."""
    if settings.model is None and not settings.stages:
        counted = counts(skeleton(settings, settings.scratch.vocabulary)).all
        recipe = f", recipe {settings.recipe}" if settings.recipe else ""
        yield (
            f"from scratch: a Llama of {counted / 1e6:.2f} M parameters with a tokenizer of its own{recipe}; --model "
            "fine-tunes one"
        )
    if settings.lora is None:
        return
    if not any("lr" in stated for stated in (settings.model_fields_set, *settings.stages)):
        yield f"lr = {settings.lr:g}: usual for an adapter; {OTHER}"
    if "alpha" not in settings.lora.model_fields_set:
        yield f"lora.alpha = {settings.lora.alpha:g}: twice the rank; {OTHER}"


def config_at(place: str, settings: TrainSettings) -> Any:
    """The config of the model at a place, as `resolve` gives it, or of an adapter's base; stretched as asked."""
    adapter = adapter_config(place)
    config = config_of(place if adapter is None else base_of(place, adapter))
    if settings.rope is not None:
        stretch(config, settings.rope)
    return config


def _length(settings: TrainSettings, chain: Sequence[TrainSettings]) -> dict[str, Any]:
    """The fewest positions that a model of the chain has, where they are fewer than nobody stated."""
    if all("max_length" in stage.model_fields_set for stage in chain):
        return {}
    fewest = settings.max_length
    for number, (stage, root) in enumerate(zip(chain, roots(chain), strict=True)):
        if root == stage.model:  # else it is made of one that was looked at
            with of_stage(settings, number):
                fewest = min(fewest, _positions(stage) or fewest)
    return {"max_length": fewest} if fewest < settings.max_length else {}


def _positions(stage: TrainSettings) -> int | None:
    """Tokens that an example may have at most; None: any number."""
    if stage.model is None:
        return stage.scratch.context
    have = reach(config_at(resolve(stage.model), stage))
    if have is not None and have < SHORTEST:
        raise UsageError(f"model {stage.model}: {have} positions, and no example has fewer than {SHORTEST} tokens")
    return have
