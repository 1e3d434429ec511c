"""Recipes: settings by name, one TOML each in trainer/recipes/, or a file of the user's own.

A recipe holds settings of `TrainSettings`, `base` (what it was made for: a model must then be named) and `[[stages]]`.
"""

import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dialogue.errors import UsageError

FOLDER = Path(__file__).parent / "recipes"
SCRATCH = "scratch-small"
"""What is done without --model and --recipe."""
EITHER = (("batch", "batch_tokens"), ("warmup_steps", "warmup_ratio"))
"""Settings of which one takes the place of the other."""


def names() -> list[str]:
    """All recipes there are."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def recipe(name: str) -> dict[str, Any]:
    """The table of a recipe, by its name or the path of a TOML. UsageError where there is none, or no TOML."""
    shipped = FOLDER / f"{name}.toml"
    path = shipped if shipped.is_file() else Path(name)
    if path.suffix != ".toml" or not path.is_file():
        near = get_close_matches(name, names(), n=2) or [found for found in names() if found.startswith(name)]
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names())}"
        raise UsageError(f"--recipe {name}: no such recipe, and no file NAME.toml of that path; {hint}")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--recipe {path}: not TOML: {error}") from None


def laid_over(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """The upper settings over the lower ones: tables key by key, "none" unsets, one of a pair drops the other."""
    left_out = {one for pair in EITHER for one in pair if one not in upper and set(pair) & upper.keys()}
    found = {name: value for name, value in lower.items() if name not in left_out}
    for name, value in upper.items():
        below = found.get(name)
        if value == "none" and name != "thoughts":
            found[name] = None
        elif name == "stages" and below:
            found[name] = _stages_over(below, value)
        elif isinstance(value, Mapping) and isinstance(below, Mapping):
            found[name] = laid_over(below, value)
        else:
            found[name] = value
    return found


def _stages_over(lower: Sequence[Mapping[str, Any]], upper: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Stages of the same name are laid over one another, others follow."""
    changes = {stage.get("name"): stage for stage in upper}
    known = {stage.get("name") for stage in lower}
    return [
        *(laid_over(stage, changes.get(stage.get("name"), {})) for stage in lower),
        *(dict(stage) for stage in upper if stage.get("name") not in known),
    ]
