"""A folder of several runs, one a sector, that stands for all of them: `mixture.json` names them and their shares."""

from pathlib import Path
from typing import Any

import orjson

from dialogue.errors import UsageError

FILE = "mixture.json"


KNOWN = ("dialogues.jsonl", "kept.jsonl")
"""What stands for a folder: a run's dialogues, or those that a filter has kept."""


def standing_for(path: Path) -> list[Path] | None:
    """The files that stand for a folder: a run's, a filter's, those of a mixture's runs; None of any other folder."""
    if (runs := runs_in(path)) is not None:
        return [run / KNOWN[0] for run in runs]
    return next(([path / known] for known in KNOWN if (path / known).exists()), None)


def runs_in(path: Path) -> list[Path] | None:
    """The run folders of a mixture, in the order of their names; None where the path is no mixture."""
    if not (path / FILE).is_file():
        return None
    return [path / name for name in sorted(read(path)) if (path / name / "dialogues.jsonl").is_file()]


def read(path: Path) -> dict[str, float]:
    """The weights by sector. Raises UsageError where the file was written by someone else."""
    try:
        found: Any = orjson.loads((path / FILE).read_bytes())
        weights = {str(name): float(weight) for name, weight in found["weights"].items()}
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError):
        raise UsageError(f"{path / FILE}: no mixture; it is written by `gen run --sector a:3,b:1`") from None
    if any("/" in name or "\\" in name or name in ("", ".", "..") for name in weights):
        raise UsageError(f"{path / FILE}: names a folder outside of {path}")
    return weights


def counts(weights: dict[str, float], n: int) -> dict[str, int]:
    """How many of n dialogues each sector gets, by Sainte-Laguë: with a larger n none gets fewer."""
    found = dict.fromkeys(weights, 0)
    total = sum(weights.values())
    for name, weight in weights.items():  # one seat below the quota is always its own
        found[name] = max(0, int(n * weight / total) - 1)
    while sum(found.values()) < n:
        name = max(weights, key=lambda one: (weights[one] / (2 * found[one] + 1), one))
        found[name] += 1
    return found
