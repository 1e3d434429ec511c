"""The weights of a mixture's sectors: as they are given, or as the report of an evaluation changes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dialogue.errors import UsageError
from evaluator.needs import Need, needs, read
from gen.config import MOST_WEIGHT, number_above_0


class Weights(NamedTuple):
    """What each sector weighs, and where that comes from."""

    by_sector: dict[str, float]
    source: dict[str, Any] | None = None
    """Of weights from a report: its path and hash, the system, the weights that were given, the needs."""
    told: tuple[str, ...] = ()
    """The same for a person, a line each."""


def asked_weights(flags: Mapping[str, Any], table: Mapping[str, Any]) -> Weights | None:
    """Sectors and weights as flags and [run] ask for them; None where one sector is asked for, without a weight."""
    given = _given(flags.get("sector", table.get("sector")))
    values = {**table, **flags}
    report, system = values.get("weights_from"), values.get("weights_system")
    if given is None:
        if typed := next((name for name in ("weights_from", "weights_system") if name in flags), None):
            flag = f"--{typed.replace('_', '-')} {flags[typed]}"
            raise UsageError(f"{flag}: one sector needs no weights; name several, as --sector creation,recall")
        return None
    if report is not None:
        place = "--weights-from" if "weights_from" in flags else "[run] weights_from ="
        try:
            return weights_from(given, Path(str(report)), None if system is None else str(system))
        except UsageError as error:  # it begins with the report's path
            raise UsageError(f"{place} {error}") from None
    if system is not None:
        raise UsageError(f"--weights-system {system}: is a system of the report that --weights-from names")
    return Weights(given)


def weights_from(given: Mapping[str, float], report: Path, system: str | None = None) -> Weights:
    """The given weights, each multiplied by what its sector needs by a report of `gen evaluate` (or its folder).

    `system` is the model that is to learn; it may be left out where the report has one only. What a need is stands in
    `evaluator/needs.py`. The same report gives the same weights, of four digits. Raises UsageError.
    """
    found = read(report)
    name, needed = needs(found, given, system)
    weights = {sector: float(f"{weight * needed[sector].need:.4g}") for sector, weight in given.items()}
    source = {
        "report": str(found.file),
        "hash": found.hash,
        "system": name,
        "given": dict(given),
        "needs": {sector: round(one.need, 4) for sector, one in needed.items()},
    }
    lines = [_line(sector, given[sector], one, weights[sector]) for sector, one in needed.items()]
    part = "" if found.whole else " (its evaluation was not finished)"
    return Weights(weights, source, (f"weights from {found.file}, of {name}{part}:", *lines))


def _line(sector: str, given: float, one: Need, weight: float) -> str:
    if one.level is None or one.lacks is None:
        why = "not in the report" if not one.items else "nothing to compare it with"
    else:
        why = f"lacks {one.lacks:.0%} of the scale in {one.items:,} questions, the whole {one.level:.0%}"
    return f"  {sector}: {given:g} x {one.need:.3g} = {weight:g} ({why})"


def _given(asked: object) -> dict[str, float] | None:
    if isinstance(asked, Mapping):
        parts = [(str(name), weight) for name, weight in asked.items()]
    elif isinstance(asked, str) and ("," in asked or ":" in asked):
        parts = [(name.strip(), weight or 1) for name, _, weight in (part.partition(":") for part in asked.split(","))]
    else:
        return None
    found: dict[str, float] = {}
    for name, weight in parts:
        if not name or name in found:
            raise UsageError(f"--sector {asked}: expected sectors and weights, as creation:3,recall:1, each once")
        found[name] = number_above_0(f"--sector: weight of {name}", weight)
        if found[name] > MOST_WEIGHT:
            raise UsageError(f"--sector: weight of {name} {weight}: expected at most {MOST_WEIGHT:,}")
    return found
