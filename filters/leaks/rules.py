"""The rules by which a message is called a leak of an item, by name; each is said in `rules.toml` with its source."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal

from dialogue.errors import UsageError

Tier = Literal["certain", "candidate"]
Kind = Literal["any", "coverage", "grams", "whole", "characters", "containment"]
TIERS: tuple[Tier, ...] = ("certain", "candidate")


@dataclass(frozen=True, slots=True)
class Rule:
    """When a message counts as a leak of an item."""

    name: str
    kind: Kind
    """What is asked; the kinds are described in rules.toml."""
    n: int
    """Words of an n-gram; characters of a substring."""
    least: float
    """The least share; 0 where any match counts."""
    tier: Tier
    """certain: the dialogue is dropped; candidate: reported, and shown to a judge."""
    contained: float = 0.0
    """The least share of the item's words, weighed by idf, that must stand close together besides."""
    words: int = 0
    """The least words that must lie in n-grams in common, unless these are half of the message."""
    evidence: float = 0.0
    """The least product of the weight of what is close together and its share of the item, in weights of a word that
    one item alone has."""


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "rules.toml").read_text(encoding="utf-8"))


@cache
def table() -> Mapping[str, Rule]:
    """All rules by name; candidates, but for those that are certain by default."""
    certain = _file()["certain"]
    return {
        name: Rule(
            name=name,
            kind=entry["kind"],
            n=entry["n"],
            least=entry.get("least", 0.0),
            tier="certain" if name in certain else "candidate",
            contained=entry.get("contained", 0.0),
            words=entry.get("words", 0),
            evidence=entry.get("evidence", 0.0),
        )
        for name, entry in _file()["rules"].items()
    }


def choose(certain: Sequence[str] | None = None, candidate: Sequence[str] | None = None) -> tuple[Rule, ...]:
    """The named rules, certain ones first; None stands for the default tier. Raises UsageError with near names."""
    given: Mapping[Tier, Sequence[str] | None] = {"certain": certain, "candidate": candidate}
    names = {tier: _file()[tier] if listed is None else listed for tier, listed in given.items()}
    chosen = [replace(_named(name, tier), tier=tier) for tier in TIERS for name in dict.fromkeys(names[tier])]
    both = set(names["certain"]) & set(names["candidate"])
    return tuple(rule for rule in chosen if rule.tier == "certain" or rule.name not in both)


def _named(name: str, tier: Tier) -> Rule:
    if name not in table():
        near = get_close_matches(name, table(), n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(table())}"
        raise UsageError(f"{tier} = {name!r}: no such contamination rule ({hint})")
    return table()[name]
