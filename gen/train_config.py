"""What `gen train` is asked: a recipe, a project's [train] over it, flags over both."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from dialogue.errors import UsageError
from dialogue.formats.reading import named
from dialogue.records import one_line
from gen.config import known_keys, read_project
from gen.train_names import here_it_is, nearly
from trainer.recipes import EITHER, SCRATCH, laid_over, recipe
from trainer.settings import TrainSettings
from trainer.stages import NAME, stages
from trainer.stages import OWN as OF_A_STAGE
from trainer.text.template import OWN, find

Table = Mapping[str, Any]
STAND_INS: Table = {"data": ["DATA"], "out": "DIR", "model": "MODEL"}
"""What stands in a list of settings for what has to be given."""


def train_settings(
    data: Sequence[str | Path] = (),
    out: str | Path | None = None,
    *,
    recipe_name: str | None = None,
    config: str | Path | None = None,
    flags: Table | None = None,
    changes: Sequence[str] = (),
    to_list: bool = False,
) -> TrainSettings:
    """The settings of a training.

    `flags` are settings by name, as typed or typed values; `changes` are texts such as "lora.r=16"; both win over
    [train] of the TOML, and that over the recipe. Without a model and a recipe it is the recipe `scratch-small`. A
    DATA of the form STAGE=PATH belongs to that stage. With `to_list` words stand for what is not given and only a
    training needs. Raises UsageError.
    """
    project = read_project(Path(config)) if config else {}
    table = project.get("train", {})
    if not isinstance(table, dict):
        raise UsageError(f"{config}: train: expected a table [train]")
    upper = {**_typed(flags or {}), **({} if out is None else {"out": str(out)})}
    layers: list[tuple[str, Table]] = [
        (f"{config}: [train]", table),
        ("command line", _together(upper, _changes(changes))),
    ]
    name = recipe_name or upper.get("recipe") or table.get("recipe")
    if name is None and not any("model" in layer for _, layer in layers):
        name = SCRATCH
    if name is not None:
        layers.insert(0, (f"recipe {name}", recipe(str(name))))
    if to_list:
        left_out = set() if "base" in layers[0][1] else {"model"}
        layers.insert(0, ("", {key: word for key, word in STAND_INS.items() if key not in left_out}))
    return _settings(layers, data, name)


def _settings(layers: list[tuple[str, Table]], data: Sequence[str | Path], name: str | None) -> TrainSettings:
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for place, layer in layers:
        _check(layer, place, ("base",) if place.startswith("recipe") else ())
        values = laid_over(values, layer)
        origin |= dict.fromkeys(layer, place)
    typed, values["stages"] = _held(layers, values.get("stages", ()))
    values |= {key: typed[key] for key in ("validation",) if key in typed}
    base = values.pop("base", None)
    if base is not None and values.get("model") is None:
        raise UsageError(f"recipe {name} fine-tunes a model (it was made for {base}); name yours by --model")
    values["recipe"] = name
    _check_typed(layers[-1][1], values, data)
    if data:
        values["data"], own = _staged(list(map(str, data)), values["stages"])
        values["stages"] = _with_own(values["stages"], own, "data")
    if not values.setdefault("data", ()) and not all("data" in stage for stage in values.get("stages") or [{}]):
        stage = next((stage["name"] for stage in values.get("stages", ()) if "data" not in stage), None)
        raise UsageError("DATA is missing: gen train " + (f"{stage}=PATH ..." if stage else "DATA...") + " --out DIR")
    if values.get("out") is None:
        raise UsageError("--out is missing: gen train DATA... --out DIR")
    if values.get("format") is not None:
        named(values["format"])
    try:
        settings = TrainSettings.model_validate(values)
    except ValidationError as error:
        loc = error.errors(include_url=False)[0]["loc"]
        where = origin.get(str(loc[0]), "") if loc else ""
        raise UsageError(f"{where}: {one_line(error)}" if where else one_line(error)) from None
    for stage in stages(settings):  # what is wrong with a later one is said before the first one begins
        if stage.template != OWN:
            find(stage.template)
    return settings


def _check_typed(typed: Table, values: Table, data: Sequence[str | Path]) -> None:
    """UsageError for what was typed on the command line and would mean nothing."""
    if data and "data" in typed:
        raise UsageError(f"--set data={typed['data']}: DATA is given as {data[0]} already; leave one of them out")
    if "scratch" in typed and values.get("model") is not None:
        name = next(iter(typed["scratch"]), "") if isinstance(typed["scratch"], Mapping) else ""
        raise UsageError(f"--set scratch.{name}: is of a model from scratch, and --model {values['model']} is none")


def _staged(texts: list[str], found: Sequence[Table]) -> tuple[list[str], dict[str, list[str]]]:
    """Paths without a stage, and by stage those of the form STAGE=PATH."""
    own: dict[str, list[str]] = {str(stage.get("name")): [] for stage in found}
    rest: list[str] = []
    for text in texts:
        name, equals, path = text.partition("=")
        if equals and name in own:
            own[name].append(path)
        else:
            _no_stage(text, name if equals else "", list(own))
            rest.append(text)
    return rest, {name: paths for name, paths in own.items() if paths}


def _with_own(found: Sequence[Table], own: Mapping[str, list[str]], what: str) -> list[Table]:
    """The stages with paths of their own."""
    names = [str(stage.get("name")) for stage in found]
    return [{**stage, what: own[name]} if name in own else stage for name, stage in zip(names, found, strict=True)]


def _held(layers: list[tuple[str, Table]], found: Sequence[Table]) -> tuple[dict[str, Any], list[Table]]:
    """What was typed, and the stages under it; a file for validation of the form STAGE=FILE is that stage's own."""
    typed = dict(layers[-1][1])
    given = typed.get("validation", ())
    given = [str(one) for one in (given if isinstance(given, list | tuple) else [given])]
    rest, own = _staged(given, found)
    if not own:
        return typed, _stages_under(found, typed)
    below = next((layer["validation"] for _, layer in layers[-2::-1] if "validation" in layer), 0.0)
    typed = {**typed, "validation": rest} if rest else {key: typed[key] for key in typed if key != "validation"}
    stages_held = _with_own(_stages_under(found, typed), own, "validation")
    return {"validation": below, **typed}, stages_held


def _no_stage(text: str, name: str, known: Sequence[str]) -> None:
    """UsageError for DATA that names a stage which is not there, and is no file either."""
    if name and re.fullmatch(NAME, name) and not Path(text).exists():
        has = f"there are: {', '.join(known)}" if known else "this training has no stages; give the path alone"
        raise UsageError(f"{text}: no such file, and no stage {name}; {has}")


def _stages_under(found: Sequence[Table], typed: Table) -> list[Table]:
    """The stages, with what was typed in place of what they state themselves: the command line has the last word."""
    typed = {name: value for name, value in typed.items() if name not in OF_A_STAGE}
    pairs = {one: other for pair in EITHER for one, other in (pair, pair[::-1])}
    return [
        laid_over(
            stage, {name: typed[name] for name in typed if _states(stage, name) or _states(stage, pairs.get(name))}
        )
        for stage in found
    ]


def _states(stage: Table, name: str | None) -> bool:
    """Whether the stage gives the setting a value of its own, and not "none", which says that it does without."""
    return name is not None and name in stage and stage[name] != "none"


def _together(flags: Table, changes: Table) -> dict[str, Any]:
    """Flags and --set; UsageError for a setting that both give."""
    twice = next((name for name in changes if name in flags and not isinstance(changes[name], Mapping)), None)
    if twice is not None:
        raise UsageError(f"{twice} = {flags[twice]}, {twice} = {changes[twice]}: given twice; leave one of them out")
    _one_of_each(flags, changes)
    return laid_over(flags, changes)


def _one_of_each(first: Table, second: Table) -> None:
    """UsageError where the one has a setting whose other form the second has."""
    for pair in EITHER:
        for one, other in (pair, pair[::-1]):
            if one in first and other in second and "none" not in (first[one], second[other]):
                raise UsageError(f"{one} = {first[one]}, {other} = {second[other]}: give one of them")


def _changes(changes: Sequence[str]) -> dict[str, Any]:
    """A table of texts such as lora.r=16."""
    found: dict[str, Any] = {}
    for change in changes:
        place, equals, text = change.partition("=")
        if not equals or not place.strip():
            raise UsageError(f"--set {change}: expected SETTING=VALUE, as lora.r=16")
        change_typed = _typed({place.strip(): text.strip()})
        _one_of_each(found, change_typed)
        found = laid_over(found, change_typed)
    return found


def _typed(flags: Table) -> dict[str, Any]:
    """Settings as a TOML would hold them: dotted names as tables, text read where no text is expected."""
    found: dict[str, Any] = {}
    for place, value in flags.items():
        *tables, name = place.split(".")
        read: Any = _read(value) if isinstance(value, str) and not _is_text(place) else value
        for table in [name, *reversed(tables)]:
            read = {table: read}
        found = laid_over(found, read)
    return found


def _read(text: str) -> Any:
    """The value as TOML has it; a date is the name of something, as no setting is a date."""
    try:
        found = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return text if isinstance(found, date | time) else found


def _is_text(place: str) -> bool:
    """Whether the setting is a text or none; a table of texts is none."""
    field = TrainSettings.model_fields.get(place)
    return field is not None and field.annotation in (str, str | None)


def _check(table: Table, place: str, more: Sequence[str] = ()) -> None:
    """Raise UsageError for a key that no setting has, in the tables within as well."""
    known = [*TrainSettings.model_fields, *more]
    _known(table, known, place)
    for name, part, shape in _within(table):
        _known(part, list(shape.model_fields), f"{place}.{name}")
    found = table.get("stages", [])
    if not isinstance(found, list) or not all(isinstance(stage, dict) for stage in found):
        raise UsageError(f"{place}: stages: expected tables [[stages]], each with `name`")
    for number, stage in enumerate(found):
        left_out = ("out", "stages", "recipe")
        _known(stage, ["name", *(key for key in known if key not in left_out)], f"{place}.stages[{number}]")
        for name, part, shape in _within(stage):
            _known(part, list(shape.model_fields), f"{place}.stages[{number}].{name}")


def _known(table: Table, known: list[str], place: str) -> None:
    """The same for one table; what others call a setting of ours is told, and in which table one stands."""
    for name in table:
        if name not in known and (ours := here_it_is(name, place.rpartition(".")[2]) or nearly(name)):
            raise UsageError(f"{place}: {name}: here it is {ours}")
    known_keys(table, known, place)


def _within(table: Table) -> Iterator[tuple[str, Table, type[BaseModel]]]:
    """The tables in it that have fixed keys."""
    for name, part in table.items():
        field = TrainSettings.model_fields.get(name)
        if field is None or not isinstance(part, Mapping):
            continue
        shapes = [kind for kind in (field.annotation, *get_args(field.annotation)) if isinstance(kind, type)]
        for shape in shapes:
            if issubclass(shape, BaseModel):
                yield name, part, shape
