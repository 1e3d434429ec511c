"""What `gen filter` is asked, from flags and a project's TOML."""

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import ValidationError

from dialogue.errors import UsageError
from dialogue.formats.reading import named
from dialogue.records import one_line
from filters.engine.chain import DEFAULT, filter_of, preset, step_names
from filters.engine.settings import FilterSettings
from gen.config import known_keys, read_project


def filter_settings(
    inputs: Sequence[str | Path],
    out: str | Path,
    *,
    config: str | Path | None = None,
    preset_name: str | None = None,
    filters: Sequence[Mapping[str, Any]] | None = None,
    changes: Sequence[str] = (),
    without: Sequence[str] = (),
    benchmarks: Sequence[str] = (),
    against: Sequence[str | Path] = (),
    format: str | None = None,
    workers: int | None = None,
    cache: str | Path | None = None,
) -> FilterSettings:
    """The settings of a filtering: the chain is `filters`, else [[filters]] of the TOML, else the preset's.

    `changes` are texts such as "near_duplicates.threshold=0.8"; `without` names filters to leave out; `benchmarks`
    add a contamination filter where the chain has none. Raises UsageError.
    """
    project = read_project(Path(config)) if config else {}
    tables = _tables(project, preset_name, filters, config)
    tables = _with_benchmarks(tables, project.get("contamination", {}), benchmarks, config)
    for name in without:
        tables = _left_out(tables, name)
    for change in changes:
        tables = _changed(tables, change)
    for table in tables:
        if table.typed:
            filter_of(table.settings, table.place, table.typed)
    if format is not None:
        named(format)
    try:
        return FilterSettings(
            inputs=tuple(map(Path, inputs)),
            out=Path(out),
            filters=tuple(table.settings for table in tables),
            places=tuple(table.place for table in tables),
            preset=preset_name or (None if filters is not None or "filters" in project else DEFAULT),
            format=format,
            against=tuple(map(Path, against)),
            workers=_cores() if workers is None else workers,
            cache=Path(cache) if cache else None,
        )
    except ValidationError as error:
        raise UsageError(one_line(error)) from None


class _Table(NamedTuple):
    """A filter's table."""

    settings: dict[str, Any]
    place: str
    """Where it stands, for messages."""
    typed: Mapping[str, str] = MappingProxyType({})
    """What was typed of a setting, by its name."""


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _tables(
    project: Mapping[str, Any],
    preset_name: str | None,
    filters: Sequence[Mapping[str, Any]] | None,
    config: str | Path | None,
) -> list[_Table]:
    if filters is not None:
        return _placed(filters, "filters")
    tables = project.get("filters")
    if preset_name is not None:
        if tables is not None:
            raise UsageError(f"--preset {preset_name}: {config} has [[filters]] of its own; leave one of the two out")
        return _placed(preset(preset_name), f"preset {preset_name}: filters")
    if tables is None:
        return _placed(preset(DEFAULT), f"preset {DEFAULT}: filters")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"{config}: filters: expected tables [[filters]], each with `use`")
    return _placed(tables, f"{config}: filters")


def _placed(tables: Sequence[Mapping[str, Any]], place: str) -> list[_Table]:
    return [_Table(dict(table), f"{place}[{number}]") for number, table in enumerate(tables)]


def _with_benchmarks(
    tables: list[_Table], settings: Mapping[str, Any], benchmarks: Sequence[str], config: str | Path | None
) -> list[_Table]:
    """The chain with a contamination filter before the first that looks for copies, where benchmarks are named."""
    if not benchmarks and not settings:
        return tables
    from filters.contamination import Contamination

    own = {name: value for name, value in settings.items() if name in Contamination.model_fields}
    if benchmarks:
        own["benchmarks"] = list(benchmarks)
    place = "--benchmark" if benchmarks else f"{config}: [contamination]"
    if any(_use(table) == "contamination" for table in tables):
        return [
            _Table({**table.settings, **own}, place) if _use(table) == "contamination" else table for table in tables
        ]
    if not own.get("benchmarks"):
        return tables
    copies = ("exact_duplicates", "near_duplicates")
    first = next((number for number, table in enumerate(tables) if _use(table) in copies), len(tables))
    return [*tables[:first], _Table({"use": "contamination", **own}, place), *tables[first:]]


def _use(table: _Table) -> str:
    return str(table.settings.get("use"))


def _meant(tables: list[_Table], name: str, option: str) -> list[int]:
    """The places of the filters of this name: one by the name that the report gives it, or all of a kind."""
    uses, names = list(map(_use, tables)), step_names([table.settings for table in tables])
    if name in uses:
        return [number for number, use in enumerate(uses) if use == name]
    known_keys({name: None}, names, option)
    return [names.index(name)]


def _left_out(tables: list[_Table], name: str) -> list[_Table]:
    gone = _meant(tables, name, "--without")
    return [table for number, table in enumerate(tables) if number not in gone]


def _changed(tables: list[_Table], change: str) -> list[_Table]:
    """The chain with one setting changed."""
    target, equals, text = change.partition("=")
    name, dot, setting = target.strip().partition(".")
    option = f"--set {change}"
    if not equals or not dot:
        raise UsageError(f"{option}: expected FILTER.SETTING=VALUE, as near_duplicates.threshold=0.8")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    found = list(tables)
    for number in _meant(tables, name, option):
        settings, place, typed = tables[number]
        found[number] = _Table({**settings, setting: value}, place, {**typed, setting: option})
    return found
