"""What the simulated user wants, and what there is to say about it: the goal card, which only the simulator sees.

A user who says everything at once is the surest sign of a simulator (arXiv 2603.11245). The opener tells some of the
facts, the others are held back and come out turn by turn (2505.06120 shows what that does to assistants, and why it is
worth training on). Figures: users/goals.toml; texts: languages/*/words.toml.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from dialogue.chance import draw, share
from dialogue.errors import UsageError
from dialogue.records import Record
from generator.user.personas import Persona, Pool, pick, pool
from prompts.loader import Prompts
from prompts.names import words

GOALS = "users/goals.toml"


class Fact(Record):
    """One requirement or circumstance."""

    text: str
    told: bool
    """Whether the opener tells it; if not, it is held back."""


class Goal(Record):
    """The goal card as it stands before the first turn."""

    line: str
    """What is wanted, generically: the topic stands in the opener."""
    facts: tuple[Fact, ...]
    change: str | None
    """What the person will want otherwise, if they change their mind."""
    misconception: str | None
    """What the person believes and is not so."""

    def texts(self, told: bool) -> list[str]:
        """The facts that the opener tells, or those held back."""
        return [fact.text for fact in self.facts if fact.told == told]

    def fitting(self, turns: int) -> "Goal":
        """The card without the held facts that so many turns leave no room for."""
        over = len(self.texts(told=False)) - turns
        if over <= 0:
            return self
        # Held facts stand behind the told ones.
        return self.model_copy(update={"facts": self.facts[:-over]})


def goal(prompts: Prompts, language: str, column: str, person: Persona, *key: object, own_opener: bool = False) -> Goal:
    """The card drawn for a key: at most one fact of each group, so that none contradicts another.

    `own_opener`: a person wrote the opener, so nothing counts as told, and little is held.
    """
    table = _table(prompts, language, column)
    traits = person.traits
    room = table.told_most[opener_habit(traits)]
    line, u = pick(table.lines[traits["clarity"]], share(*key, "goal"))
    count = table.least + int(u * (table.most - table.least + 1))
    told = min(int(table.told[traits["disclosure"]] * count + share(*key, "told")), room)
    if own_opener:
        told, count = 0, min(count, table.held_most)
    groups = dict(table.weights)
    facts = dict(_fact(table, groups, traits, *key, number) for number in range(count))
    texts = [facts[group] for group in table.weights if group in facts]
    change, misconception = share(*key, "change"), share(*key, "misconception")
    return Goal.model_construct(
        line=line,
        facts=tuple(Fact.model_construct(text=text, told=i < told) for i, text in enumerate(texts)),
        change=pick(table.changes, change / table.change)[0] if change < table.change else None,
        misconception=pick(table.beliefs, misconception / table.belief)[0] if misconception < table.belief else None,
    )


def opener_habit(traits: Mapping[str, str]) -> str:
    """The length habit that the person's opener goes by: who has used assistants for long says more at once."""
    return "long" if traits["experience"] == "power" else traits["length"]


@dataclass(frozen=True, slots=True)
class _Table:
    least: int
    most: int
    told: Mapping[str, float]
    told_most: Mapping[str, int]
    held_most: int
    change: float
    belief: float
    lines: Mapping[str, Pool]
    weights: Mapping[str, float]
    groups: Mapping[str, Mapping[str, Pool]]
    changes: Pool
    beliefs: Pool


@cache
def _table(prompts: Prompts, language: str, column: str) -> _Table:
    data, wording = prompts.data(GOALS), words(prompts, language)
    if column not in data["facts"]:
        raise UsageError(f"{GOALS}: facts: no column {column!r} (there are: {', '.join(data['facts'])})")
    least, most = data["facts"][column]
    return _Table(
        least=least,
        most=most,
        told=data["told"],
        told_most=data["told_most"],
        held_most=data["own_opener"]["held_most"],
        change=data["chances"]["change"],
        belief=data["chances"]["misconception"],
        lines={clarity: pool(texts) for clarity, texts in wording["goal"].items()},
        weights=data["groups"],
        groups={
            group: {case: pool(texts) for case, texts in cases.items()} for group, cases in wording["facts"].items()
        },
        changes=pool(wording["changes"]["list"]),
        beliefs=pool(wording["misconceptions"]["list"]),
    )


def _fact(table: _Table, groups: dict[str, float], traits: Mapping[str, str], *key: object) -> tuple[str, str]:
    """One of the groups left, which is used up, and a fact from it; a purpose goes by the person's life."""
    group = draw(groups, share(*key, "group"))
    del groups[group]
    at_school = traits["occupation"] == "pupil"
    cases = {"purpose": "pupil" if at_school else traits["setting"], "prior": traits["knowledge"]}
    return group, pick(table.groups[group][cases.get(group, "list")], share(*key, "fact"))[0]
