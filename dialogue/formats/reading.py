"""The formats that have a file here; the file's name is the format's name."""

from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from dialogue.errors import UsageError

_NO_FORMATS = ("__init__", "reading", "field_map", "sharegpt_pages")
"""What reads and writes nothing, or reads alone."""


@cache
def names() -> list[str]:
    """All formats that have a file here."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in _NO_FORMATS)


def named(name: str) -> ModuleType:
    """The format of this name. Raises UsageError where there is none."""
    if name not in names():
        near = get_close_matches(name, names(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names())}"
        raise UsageError(f"format {name!r}: no such format ({hint})")
    return import_module(f"dialogue.formats.{name}")


@cache
def known() -> tuple[ModuleType, ...]:
    """The formats that an object may be recognised as, our own first; those read only when asked for are left out."""
    found = [named(name) for name in names()]
    found = [one for one in found if not getattr(one, "asked_only", False)]
    return tuple(sorted(found, key=lambda one: one.__name__ != "dialogue.formats.messages"))
