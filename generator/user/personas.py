"""Who the simulated user is: traits drawn one by one, a line about the person, and the few habits that are shown.

A model asked to be varied plays the average user, and one given a rich character overplays it (arXiv 2605.20204); fine
detail adds almost nothing to a limit of length (2505.17390). So the variety is drawn here, and what the model is shown
of it are at most five habits that can be counted. Weights and couplings: users/traits.toml.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

from dialogue.chance import draw, hex64, share
from dialogue.errors import UsageError
from dialogue.records import Record
from prompts.loader import Prompts
from prompts.names import words

TRAITS = "users/traits.toml"

Weights = Mapping[str, float]
Pool = Sequence[Sequence[str]]
"""Texts to draw from: each entry with its variants."""


class Persona(Record):
    """The person of one dialogue."""

    id: str
    """The same for the same person in another dialogue."""
    traits: dict[str, str]
    situation: str
    """One line, without a name."""
    concern: str
    """What else is on their mind; mostly it never comes up."""
    habits: tuple[str, ...]
    """What the model is shown of the traits, most telling first."""


def persona(prompts: Prompts, language: str, column: str, *key: object) -> Persona:
    """The person drawn for a key; each dimension has its own draw, so a new one reshuffles none of the others."""
    table = _table(prompts, language, column)
    draws = {dimension: share(*key, dimension) for dimension in table.weights}
    traits = {dimension: draw(weights, draws[dimension]) for dimension, weights in table.weights.items()}
    _couple(table, traits, draws, column)
    occupation, u = pick(table.occupations[traits["occupation"]], share(*key, "situation"))
    age, u = pick(table.ages[traits["age"]], u)
    concern, _ = pick(table.concerns.get(traits["age"], table.concerns["list"]), u)
    bare = column in table.bare
    shown = [
        text
        for dimension, texts in table.shown
        if not (bare and dimension in table.hidden) and (text := texts.get(traits[dimension]))
    ]
    situation = (table.bare_line if bare else table.line).format(
        occupation=occupation, age=age, locale=traits["locale"]
    )
    return Persona.model_construct(
        id=hex64(situation, concern, *traits.values())[:12],
        traits=traits,
        situation=situation,
        concern=concern,
        habits=tuple(shown[: table.show_most]),
    )


def pool(texts: Sequence[str]) -> Pool:
    """The texts, each with the variants that its {a|b|c} groups allow."""
    return [_variants(text) for text in texts]


def pick(choices: Pool, u: float) -> tuple[str, float]:
    """The text at position `u` in [0, 1), and what is left of `u` for a next choice."""
    position, u = divmod(u * len(choices), 1)
    variants = choices[int(position)]
    variant, u = divmod(u * len(variants), 1)
    return variants[int(variant)], u


@cache
def _variants(text: str) -> Sequence[str]:
    parts = re.split(r"\{([^{}]*\|[^{}]*)\}", text)
    return [
        "".join(choice) for choice in product(*(part.split("|") if i % 2 else [part] for i, part in enumerate(parts)))
    ]


@dataclass(frozen=True, slots=True)
class _Coupling:
    when: Mapping[str, Sequence[str]]
    times: Mapping[str, Weights]


@dataclass(frozen=True, slots=True)
class _Table:
    weights: Mapping[str, Weights]
    couplings: Sequence[_Coupling]
    shown: Sequence[tuple[str, Mapping[str, str]]]
    show_most: int
    bare: Sequence[str]
    """Columns whose people are shown by little but their age, ..."""
    hidden: Sequence[str]
    """... and without these habits."""
    line: str
    bare_line: str
    ages: Mapping[str, Pool]
    occupations: Mapping[str, Pool]
    concerns: Mapping[str, Pool]
    """By age; `list` for those without a pool of their own."""


@cache
def _table(prompts: Prompts, language: str, column: str) -> _Table:
    data, wording = prompts.data(TRAITS), words(prompts, language, column)
    weights: dict[str, Weights] = data["weights"] | wording["weights"]
    situation = wording["situation"]
    return _Table(
        weights=weights,
        couplings=[_coupling(row, weights) for row in data["couplings"]],
        shown=[(dimension, wording["traits"].get(dimension, {})) for dimension in data["show"]],
        show_most=data["show_most"],
        bare=data["bare"]["columns"],
        hidden=data["bare"]["hidden"],
        line=situation["line"],
        bare_line=situation["bare"],
        ages={value: pool(texts) for value, texts in situation["age"].items()},
        occupations={value: pool(texts) for value, texts in situation["occupation"].items()},
        concerns={value: pool(texts) for value, texts in situation["concerns"].items()},
    )


def _coupling(row: Mapping[str, Any], weights: Mapping[str, Weights]) -> _Coupling:
    """`only` is `times` with 0 for all the others. Raises UsageError for a dimension that there is none of."""
    only = {name: {v: float(v in kept) for v in weights[name]} for name, kept in row.get("only", {}).items()}
    times = {**row.get("times", {}), **only}
    if stray := (set(times) | set(row["when"])) - {*weights, "column"}:
        raise UsageError(f"{TRAITS}: couplings: no dimension {sorted(stray)[0]!r}")
    return _Coupling(row["when"], times)


def _couple(table: _Table, traits: dict[str, str], draws: Mapping[str, float], column: str) -> None:
    """Read dimensions again, from the same draws, under the weights that the couplings leave; in their order."""
    changed: dict[str, Weights] = {}
    for coupling in table.couplings:
        for dimension, values in coupling.when.items():
            if (column if dimension == "column" else traits[dimension]) not in values:
                break
        else:
            for name, times in coupling.times.items():
                weights = changed.get(name) or table.weights[name]
                changed[name] = {value: weight * times.get(value, 1.0) for value, weight in weights.items()}
                traits[name] = draw(changed[name], draws[name])
