"""The tables of known.toml."""

import tomllib
from functools import cache
from pathlib import Path


@cache
def _tables() -> dict[str, dict[str, str]]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def known(table: str) -> dict[str, str]:
    """One table: texts by name."""
    return _tables()[table]
