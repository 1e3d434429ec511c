"""Trainings one after the other, each from what the last one made: DreamerGPT's chain, BELLE's increments.

A stage is a table of what differs from the settings around it:

    [[stages]]
    name = "f1"
    data = ["firefly.jsonl"]

    [[stages]]
    name = "f2"
    data = ["coig.jsonl"]
    train_on = "all"

What a later stage does not state is as in the first. A setting that would then change from one stage to the next
without being written there is refused: DreamerGPT's stages flipped what they trained on, and nobody saw it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dialogue.errors import UsageError
from dialogue.records import one_line
from trainer.recipes import EITHER, laid_over
from trainer.settings import TrainSettings

NAME = r"[a-z0-9][a-z0-9_-]*"
OWN = ("data", "out", "model", "recipe", "stages")
"""What every stage has of its own."""
STEPS = "checkpoints"
"""Where in its folder a training keeps them, each a model."""
LEFT_OPEN = ("template", "max_length", "train_on", "brief", "endings")
"""What the model decides where nobody states it (trainer/nets/unstated.py): a stage is to leave it open too."""


def stages(settings: TrainSettings) -> list[TrainSettings]:
    """The trainings in order; the settings alone where they have no stages.

    The last one works in `out` itself, so that this folder holds the result, the others in `out/stages/NAME`. Each
    starts from the folder before, unless it names a `model`. UsageError names the stage.
    """
    if not settings.stages:
        return [settings]
    _check_names(settings)
    last = str(settings.stages[-1]["name"])
    values = _stated(settings)
    first: dict[str, Any] = {}
    found: list[TrainSettings] = []
    for stage in settings.stages:
        name = str(stage["name"])
        changes = {key: value for key, value in stage.items() if key != "name"}
        asked = laid_over(first or values, changes)
        asked["stages"] = ()
        asked["out"] = settings.out if name == last else settings.out / "stages" / name
        asked["data"] = stage.get("data", settings.data)
        asked["model"] = stage.get("model", str(found[-1].out) if found else settings.model)
        made = _made(name, asked)
        if found:
            _check_flips(name, changes, found[-1], made)
        first = first or _stated(made)
        found.append(made)
    return found


def _stated(settings: TrainSettings) -> dict[str, Any]:
    return settings.model_dump(exclude={*LEFT_OPEN} - settings.model_fields_set)


def roots(found: Sequence[TrainSettings]) -> list[str | None]:
    """For each stage the model that its chain starts from: what an earlier stage makes is not there yet."""
    made: dict[Path, str | None] = {}
    starts: list[str | None] = []
    for stage in found:
        place = Path(stage.model or "").expanduser().resolve()  # of no model it is no stage's folder
        of = next((out for out in made if place in (out, out / "model") or place.parent == out / STEPS), None)
        starts.append(stage.model if of is None else made[of])
        made[stage.out.resolve()] = starts[-1]
    return starts


@contextmanager
def of_stage(settings: TrainSettings, number: int) -> Iterator[None]:
    """Within the block a UsageError names the stage of that number, where there are stages."""
    try:
        yield
    except UsageError as error:
        if not settings.stages:
            raise
        raise UsageError(f"stages.{settings.stages[number]['name']}: {error}") from None


def _check_names(settings: TrainSettings) -> None:
    names = [stage.get("name") for stage in settings.stages]
    for place, name in enumerate(names):
        if not isinstance(name, str) or not re.fullmatch(NAME, name):
            raise UsageError(f"stages[{place}].name = {name!r}: expected small letters, digits and hyphens, as f1")
        if names.index(name) != place:
            raise UsageError(f"stages[{place}].name = {name!r}: stands twice")


def _made(name: str, asked: Mapping[str, Any]) -> TrainSettings:
    try:
        made = TrainSettings.model_validate(asked)
    except ValidationError as error:
        raise UsageError(f"stages.{name}: {one_line(error)}") from None
    if not made.data:
        raise UsageError(f"stages.{name}: no data; give it as {name}=PATH, or data = [...] in the stage")
    return made


def _check_flips(name: str, changes: Mapping[str, Any], before: TrainSettings, made: TrainSettings) -> None:
    if before.lora is not None and made.lora is None and "model" not in changes:
        raise UsageError(
            f"stages.{name}: trains all weights after an adapter; fold it in first (gen merge {before.out} --out DIR) "
            "and name the result as the stage's model"
        )
    then, now = before.model_dump(), made.model_dump()
    free = {*OWN, *(name for name in changes if not isinstance(then.get(name), Mapping) or now.get(name) is None)}
    free |= {name for pair in EITHER if set(pair) & changes.keys() for name in pair}
    old, new, written = dict(_leaves(then)), dict(_leaves(now)), dict(_leaves(changes))
    for place in sorted({*old, *new} - written.keys()):
        if place.partition(".")[0] not in free and old.get(place) != new.get(place):
            raise UsageError(
                f"stages.{name}: {place} = {new.get(place)!r} after {old.get(place)!r} in the stage before; "
                f"write {place} into the stage, whichever you mean"
            )


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
