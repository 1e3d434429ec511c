"""A chain of filters from tables such as `{use = "near_duplicates", threshold = 0.8}`, and chains by name."""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import ValidationError

from dialogue.chance import hex64
from dialogue.errors import UsageError
from filters.engine.base import CorpusFilter, Filter
from filters.engine.complaints import complaint

FOLDER = Path(__file__).parents[1]
DEFAULT = "default"


class Step(NamedTuple):
    """A filter in its place."""

    name: str
    """Its file's name, with a number behind it where the same one stands twice."""
    use: str
    filter: Filter | CorpusFilter
    key: str
    """Stands for its verdicts, and for the edits that were made before it."""


def names() -> list[str]:
    """All filters there are."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def presets() -> list[str]:
    """All named chains."""
    return sorted(path.stem for path in (FOLDER / "presets").glob("*.toml"))


def preset(name: str) -> list[dict[str, Any]]:
    """The tables of a named chain."""
    if name not in presets():
        raise UsageError(f"preset {name!r}: no such preset ({_near(name, presets())})")
    tables: list[dict[str, Any]] = tomllib.loads((FOLDER / "presets" / f"{name}.toml").read_text("utf-8"))["filters"]
    return tables


def filter_class(use: str, place: str = "use") -> type[Filter] | type[CorpusFilter]:
    """The class in filters/USE.py. Raises UsageError where there is no such file."""
    if use not in names():
        raise UsageError(f"{place} = {use!r}: no filters/{use}.py ({_near(use, names())})")
    found: type[Filter] | type[CorpusFilter] = getattr(
        import_module(f"filters.{use}"), "".join(map(str.capitalize, use.split("_")))
    )
    return found


def chain(tables: Sequence[Mapping[str, Any]], places: str | Sequence[str]) -> tuple[Step, ...]:
    """The filters of the tables in order. Raises UsageError that names the place and the near ones.

    `places` says where each table stands, or where the list of them does.
    """
    steps: list[Step] = []
    edits: list[str] = []
    for number, (name, table) in enumerate(zip(step_names(tables), tables, strict=True)):
        here = f"{places}[{number}]" if isinstance(places, str) else places[number]
        made = filter_of(table, here)
        try:
            key = hex64(made.prepared_by() if isinstance(made, CorpusFilter) else made.fingerprint(), *edits)
        except UsageError as error:
            raise UsageError(f"{here}: {error}") from None
        steps.append(Step(name, table["use"], made, key))
        if isinstance(made, Filter) and made.edits:
            edits.append(key)
    return tuple(steps)


def step_names(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """The name of each filter: its file's, with a number behind it from the second time on."""
    found: list[str] = []
    times: Counter[str] = Counter()
    for table in tables:
        use = str(table.get("use") if isinstance(table, Mapping) else None)
        times[use] += 1
        found.append(f"{use}-{times[use]}" if times[use] > 1 else use)
    return found


def filter_of(
    table: Mapping[str, Any], place: str, typed: Mapping[str, str] = MappingProxyType({})
) -> Filter | CorpusFilter:
    """The filter of a table. Raises UsageError that names the place, or what a person has typed of the setting."""
    if not isinstance(table, Mapping) or not isinstance(table.get("use"), str):
        raise UsageError(f"{place}: expected a table with `use`, the name of a filter ({', '.join(names())})")
    settings = {name: value for name, value in table.items() if name != "use"}
    use = table["use"]
    kind = filter_class(use, f"{place}.use")
    for name in settings:
        if name not in kind.model_fields:
            near = _near(name, list(kind.model_fields))
            raise UsageError(f"{typed.get(name, place)}: {use} has no setting {name!r} ({near})")
    try:
        return kind(**settings)
    except ValidationError as error:
        setting, value, trouble = complaint(error)
    if setting is None:
        raise UsageError(f"{', '.join(typed.values()) or place}: {use}: {trouble}")
    said = typed.get(setting.split(".")[0])
    raise UsageError(f"{said}: {trouble}" if said else f"{place}: {use}: {setting} = {value}: {trouble}")


def _near(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=2)
    return f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known) or 'none'}"
