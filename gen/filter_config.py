"""What `gen filter` is asked, from flags and a project's TOML."""

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dialogue.errors import UsageError
from dialogue.formats.reading import named
from dialogue.records import one_line
from filters.engine.chain import DEFAULT, preset
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
    place = f"{config}: filters" if filters is None and "filters" in project and preset_name is None else "filters"
    tables = _tables(project, preset_name, filters, config)
    tables = _with_benchmarks(tables, project.get("contamination", {}), benchmarks)
    for name in without:
        tables = _left_out(tables, name)
    for change in changes:
        tables = _changed(tables, change)
    if format is not None:
        named(format)
    try:
        return FilterSettings(
            inputs=tuple(map(Path, inputs)),
            out=Path(out),
            filters=tuple(tables),
            place=place,
            preset=preset_name or (None if filters is not None or "filters" in project else DEFAULT),
            format=format,
            against=tuple(map(Path, against)),
            workers=_cores() if workers is None else workers,
            cache=Path(cache) if cache else None,
        )
    except ValidationError as error:
        raise UsageError(one_line(error)) from None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _tables(
    project: Mapping[str, Any],
    preset_name: str | None,
    filters: Sequence[Mapping[str, Any]] | None,
    config: str | Path | None,
) -> list[dict[str, Any]]:
    if filters is not None:
        return [dict(table) for table in filters]
    if preset_name is not None:
        return preset(preset_name)
    tables = project.get("filters")
    if tables is None:
        return preset(DEFAULT)
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"{config}: filters: expected tables [[filters]], each with `use`")
    return [dict(table) for table in tables]


def _with_benchmarks(
    tables: list[dict[str, Any]], settings: Mapping[str, Any], benchmarks: Sequence[str]
) -> list[dict[str, Any]]:
    """The chain with a contamination filter before the first that looks for copies, where benchmarks are named."""
    if not benchmarks and not settings:
        return tables
    from filters.contamination import Contamination

    own = {name: value for name, value in settings.items() if name in Contamination.model_fields}
    if benchmarks:
        own["benchmarks"] = list(benchmarks)
    places = [place for place, table in enumerate(tables) if table.get("use") == "contamination"]
    if places:
        return [{**table, **own} if place in places else table for place, table in enumerate(tables)]
    if not own.get("benchmarks"):
        return tables
    copies = ("exact_duplicates", "near_duplicates")
    first = next((place for place, table in enumerate(tables) if table.get("use") in copies), len(tables))
    return [*tables[:first], {"use": "contamination", **own}, *tables[first:]]


def _left_out(tables: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    known_keys({name: None}, [str(table.get("use")) for table in tables], "--without")
    return [table for table in tables if table.get("use") != name]


def _changed(tables: list[dict[str, Any]], change: str) -> list[dict[str, Any]]:
    """The chain with one setting changed."""
    target, equals, text = change.partition("=")
    use, dot, setting = target.strip().partition(".")
    if not equals or not dot:
        raise UsageError(f"--set {change}: expected FILTER.SETTING=VALUE, as near_duplicates.threshold=0.8")
    known_keys({use: None}, [str(table.get("use")) for table in tables], f"--set {change}")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    return [{**table, setting: value} if table.get("use") == use else table for table in tables]
