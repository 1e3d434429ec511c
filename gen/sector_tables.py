"""What belongs to one sector of several: tables `[run.sectors.NAME]`, and flags as `--input NAME=FILE`."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dialogue.errors import UsageError

OWN_KEYS = ("input", "openers", "system", "rounds", "preset", "shares", "language")
"""What a sector may have of its own."""
FILES = ("input", "openers")
"""What is one sector's alone: with several, a flag says whose."""


def of_one(
    flags: Mapping[str, Any], table: Mapping[str, Any], config: Path | None, among: Iterable[str] = ()
) -> dict[str, Any]:
    """Everything that is said of the one sector asked for: by `sectors` of a script, flags, its table and [run].

    `among` are the sectors of the mixture that it is part of. Raises UsageError for a table of a sector that is none.
    """
    sector = str(flags.get("sector", table.get("sector")))
    own, given = table.get("sectors", {}), flags.get("sectors", {})
    if own or given:
        known = sorted({*among, *mentioned(table.get("sector"))}) if among else _all(flags.get("prompts"), table)
        none = "no sector of this mixture" if among else "no such sector"
        own = _tables(own, lambda name: f"{config}: [run.sectors.{name}]", known, none)
        given = _tables(given, lambda name: f"sectors[{name!r}]", known, none)
    alone = FILES if not among else ()  # a mixture's files were told apart before
    typed = {name: _only(name, value, sector) if name in alone else value for name, value in flags.items()}
    found = {**table, **own.get(sector, {}), **typed, **given.get(sector, {})}
    return {name: value for name, value in found.items() if name != "sectors"}


def by_sector(flags: Mapping[str, Any], table: Mapping[str, Any], sectors: Iterable[str]) -> dict[str, dict[str, str]]:
    """The files that flags give to sectors of a mixture, by sector. Raises UsageError where one is nobody's."""
    found: dict[str, dict[str, str]] = {name: {} for name in sectors}
    for flag in FILES:
        if flag in table:
            raise UsageError(
                f"[run] {flag} with several sectors: say whose it is, in a table [run.sectors.{next(iter(found))}]"
            )
        for name, file in _owners(flag, flags.get(flag, ()), found):
            if flag in found[name]:
                raise UsageError(f"--{flag} {name}={file}: {name} has {found[name][flag]} already; one file a sector")
            found[name][flag] = file
    return found


def mentioned(asked: object) -> list[str]:
    """The names in a setting `sector`: of one, of several with weights, or of a table."""
    parts = asked if isinstance(asked, Mapping) else str(asked or "").split(",")
    return [str(part).partition(":")[0].strip() for part in parts]


def near(name: str, known: Iterable[str]) -> str:
    """What else may have been meant."""
    names = list(known)
    found = get_close_matches(name, names, n=2, cutoff=0.5)
    return f"did you mean {' or '.join(found)}?" if found else f"there are: {', '.join(names)}"


def _tables(
    found: object, place: Callable[[str], str], sectors: Iterable[str], among: str
) -> dict[str, dict[str, Any]]:
    if not isinstance(found, Mapping):
        raise UsageError(f"{place('NAME')}: expected a table for each sector, not {found!r}")
    for name, own in found.items():
        if name not in sectors:
            raise UsageError(f"{place(name)}: {among}; {near(str(name), sectors)}")
        if not isinstance(own, Mapping):
            raise UsageError(f"{place(name)}: expected a table with any of {', '.join(OWN_KEYS)}")
        for key in own:
            if key not in OWN_KEYS:
                raise UsageError(f"{place(name)}: unknown key {key!r}; {near(str(key), OWN_KEYS)}")
    return {str(name): dict(own) for name, own in found.items()}


def _all(flag: object, table: Mapping[str, Any]) -> list[str]:
    """Every sector there is, those of the user's own templates as well."""
    overlay = flag or table.get("prompts")
    from prompts.loader import Prompts
    from prompts.sector import names

    return names(Prompts(Path(str(overlay)) if overlay else None))


def _specs(value: object) -> list[str]:
    """A flag's values as they were typed: one, or several; NAME=FILE of a mapping."""
    if isinstance(value, Mapping):
        return [f"{name}={file}" for name, file in value.items()]
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def _only(flag: str, value: object, sector: str) -> str:
    """The file of the one sector there is, with or without its name before it."""
    specs = _specs(value)
    if len(specs) != 1:
        raise UsageError(f"--{flag} {' '.join(specs)}: expected one file for one sector ({sector})")
    name, equals, file = specs[0].partition("=")
    return file if equals and name == sector and not Path(specs[0]).exists() else specs[0]


def _owners(flag: str, value: object, sectors: Iterable[str]) -> list[tuple[str, str]]:
    """Sector and file of each value; a file's own name may hold `=`, a sector's does not."""
    found, names = [], list(sectors)
    for spec in _specs(value):
        name, equals, file = spec.partition("=")
        if not equals or (name not in names and Path(spec).exists()):
            raise UsageError(f"--{flag} {spec} with several sectors: say whose it is, as --{flag} {names[0]}={spec}")
        if name not in names:
            raise UsageError(f"--{flag} {spec}: {name} is no sector of this mixture; {near(name, names)}")
        if not file:
            raise UsageError(f"--{flag} {spec}: expected a file behind {name}=")
        found.append((name, file))
    return found
