"""Where training data comes from, followed back through filters to the runs that wrote it: models, and their terms."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Origin(NamedTuple):
    """One endpoint that wrote part of the data."""

    folder: str
    """The run folder's name, without the way to it."""
    model: str
    terms: str | None
    """What the user noted of licence or terms of use."""


def origins(path: Path) -> list[Origin]:
    """All endpoints behind a file of dialogues, as run.json and filter.json beside it tell; empty where unknown."""
    return list(dict.fromkeys(_behind(path, set())))


def licence_of(model: str) -> str | None:
    """The licence that a model's card in its folder names."""
    lines = _text(Path(model) / "README.md").split("\n")
    if lines[0].strip() != "---":
        return None
    for line in lines[1:]:
        if line.strip() == "---":
            return None
        name, _, value = line.partition(":")
        if name == "license" and value.strip():
            return value.strip().strip("\"'")
    return None


def _behind(path: Path, seen: set[Path]) -> Iterator[Origin]:
    folder = (path if path.is_dir() else path.parent).resolve()
    if folder in seen:
        return
    seen.add(folder)
    endpoints = _object(folder / "run.json").get("facts", {}).get("endpoints", {})
    for name, endpoint in endpoints.items():
        yield Origin(folder.name, str(endpoint.get("model") or name), endpoint.get("terms"))
    for earlier in _object(folder / "filter.json").get("inputs", []):
        yield from _behind(Path(earlier), seen)


def _object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(_text(path))
    except json.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
