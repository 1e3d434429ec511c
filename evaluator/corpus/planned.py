"""What a dialogue's seed says of the plan it was played by; dialogues from elsewhere have none."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from dialogue.errors import UsageError
from dialogue.records import Dialogue
from generator.user.acts import Rules, rules
from prompts.loader import Prompts
from prompts.sector import load

REPAIRS = frozenset({"correct", "doubt", "rephrase"})
RECALLS = frozenset({"recall", "remind"})
_LANGUAGE = "en"
"""Whose words the rules are loaded with; shares of acts are the same in all."""


class Plan(NamedTuple):
    """Acts and facts, as they were planned turn by turn."""

    acts: tuple[tuple[int, str], ...]
    """The number of the user's turn, from 2, and its act."""
    traits: Mapping[str, str]
    rounds: int | None
    """Planned from the beginning."""
    held: int
    """Facts held back from the opener."""
    released: int
    """Those of them that a turn let out."""


def plan_of(dialogue: Dialogue) -> Plan | None:
    """The plan in the seed; None where there is none."""
    extra: Mapping[str, Any] = dialogue.seed.extra
    if _table(extra.get("user")).get("trained"):
        return None  # such a user speaks for itself
    turns = extra.get("acts")
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        return None
    acts = tuple((turn["number"], str(turn["act"])) for turn in turns if isinstance(turn.get("number"), int))
    goal, person = _table(extra.get("goal")), _table(extra.get("persona"))
    facts = [fact for fact in goal.get("facts") or [] if isinstance(fact, dict)]
    held = {fact.get("text") for fact in facts if fact.get("state") == "held"}
    rounds = extra.get("rounds")
    return Plan(
        acts,
        {str(name): str(value) for name, value in _table(person.get("traits")).items()},
        rounds if isinstance(rounds, int) else None,
        len(held),
        len(held & {turn.get("release") for turn in turns}),
    )


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


@cache
def law_of(sector: str | None) -> Rules | None:
    """The shares that a sector's acts are drawn by; None for one that draws none, or is not this package's."""
    if sector is None:
        return None
    prompts = Prompts()
    try:
        found = load(prompts, sector)
        law = rules(prompts, found.column, _LANGUAGE) if found.takes in (None, "continue") else None
        return None if law is None or law.tells_asked else law  # such acts follow what the other side asks
    except UsageError:
        return None


def expected(law: Rules, number: int, traits: Mapping[str, str]) -> dict[str, float]:
    """The shares of acts at a user's turn: those of the sector, by the number of the turn and the person's traits."""
    weights = dict(law.turns[min(number - 2, len(law.turns) - 1)])
    for dimension, values in law.persona.items():
        for act, times in values.get(traits.get(dimension, ""), {}).items():
            weights[act] *= times
    total = sum(weights.values())
    return {act: weight / total for act, weight in weights.items()}
