"""What the simulated user wants, and what there is to say about it: the goal card, which only the simulator sees.

A user who says everything at once is the surest sign of a simulator (arXiv 2603.11245). The opener tells some of the
facts, the others are held back and come out turn by turn (2505.06120 shows what that does to assistants, and why it is
worth training on). Figures: users/goals.toml; texts: languages/*/words.toml, or the sector's own facts
(prompts/facts.py), which have a key and a value and can be asked for again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from pydantic import JsonValue

from dialogue.chance import draw, share
from dialogue.errors import UsageError
from dialogue.records import Record
from generator.user.personas import Persona, Pool, pick, pool
from prompts.facts import SLOT, FactPool, Kind
from prompts.loader import Prompts
from prompts.names import words
from prompts.tasks import Task

GOALS = "users/goals.toml"


Case = Sequence[tuple[str, Kind, str]]
"""Facts as they are with one person: key, kind and value."""


class Fact(Record):
    """One requirement or circumstance."""

    text: str
    told: bool
    """Whether the opener tells it; if not, it is held back."""
    key: str | None = None
    """The kind of fact that it is, where the sector has facts of its own: "town"."""
    value: str | None = None
    """What of it has to be said word for word: "Warsaw"."""
    ask: str | None = None
    """What is asked for when it is asked for again: "where you live"."""

    def noted(self) -> dict[str, JsonValue]:
        """The fact as it stands in the seed."""
        fields: dict[str, JsonValue] = {"text": self.text, "state": "opener" if self.told else "held"}
        return fields if self.key is None else {**fields, "key": self.key, "value": self.value}


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

    def askable(self, told: Collection[str | None], asked: Collection[str | None]) -> list[Fact]:
        """The facts that can be asked for again: told by the opener or in the texts `told`, their key not `asked`."""
        return [fact for fact in self.facts if fact.ask and fact.key not in asked and (fact.told or fact.text in told)]

    def fitting(self, turns: int) -> "Goal":
        """The card without the held facts that so many turns leave no room for."""
        over = len(self.texts(told=False)) - turns
        if over <= 0:
            return self
        # Held facts stand behind the told ones.
        return self.model_copy(update={"facts": self.facts[:-over]})


def goal(
    prompts: Prompts,
    language: str,
    column: str,
    person: Persona,
    *key: object,
    own_opener: bool = False,
    pool: FactPool | None = None,
    case: Case = (),
) -> Goal:
    """The card drawn for a key: at most one fact of each group, so that none contradicts another.

    `own_opener`: a person wrote the opener, so nothing counts as told, and little is held. `pool`: the sector's own
    facts, in the place of those that stand behind a question. `case`: facts that the person's case has, of which one
    at least is held back.
    """
    table = _table(prompts, language, column)
    traits = person.traits
    room = table.told_most[opener_habit(traits)]
    line, u = pick(table.lines[traits["clarity"]], share(*key, "goal"))
    count = table.least + int(u * (table.most - table.least + 1))
    told = min(int(table.told[traits["disclosure"]] * count + share(*key, "told")), room)
    if own_opener:
        told, count = 0, min(count, table.held_most)
    if pool is not None:
        return _own_goal(pool, count, 0 if own_opener else max(told, table.told_least), *key)
    if case:
        count = min(max(count, 1), len(case))
        return Goal(line=line, facts=_facts(case[:count], min(told, count - 1)), change=None, misconception=None)
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


def _own_goal(own: FactPool, count: int, told: int, *key: object) -> Goal:
    """The card of a sector with facts of its own: kinds and values drawn one by one, in an order of chance."""
    drawn = sorted(own.facts, key=lambda kind: share(*key, "kind", kind))[:count]
    rows = [
        (name, kind, kind.values[int(share(*key, "value", name) * len(kind.values))])
        for name, kind in ((name, own.facts[name]) for name in drawn)
    ]
    line = own.goal[int(share(*key, "goal") * len(own.goal))]
    return Goal(line=line, facts=_facts(rows, told), change=None, misconception=None)


def _facts(rows: Case, told: int) -> tuple[Fact, ...]:
    """The facts, of which the opener tells the first ones."""
    return tuple(
        Fact(text=kind.tell.replace(SLOT, value), told=number < told, key=name, value=value, ask=kind.ask)
        for number, (name, kind, value) in enumerate(rows)
    )


def task_goal(card: Goal, task: Task) -> Goal:
    """The card where code drew what the opener asks for: the only fact is what comes out later."""
    fact = Fact(text=task.then, told=False, value=task.then_figure)
    return card.model_copy(update={"line": task.goal, "facts": (fact,), "change": None, "misconception": None})


def opener_habit(traits: Mapping[str, str]) -> str:
    """The length habit that the person's opener goes by: who has used assistants for long says more at once."""
    return "long" if traits["experience"] == "power" else traits["length"]


@dataclass(frozen=True, slots=True)
class _Table:
    least: int
    most: int
    told: Mapping[str, float]
    told_most: Mapping[str, int]
    told_least: int
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
    data, wording = prompts.data(GOALS), words(prompts, language, column)
    wording = {**wording, **wording.get("card", {}).get(data["cards"].get(column, column), {})}
    if column not in data["facts"]:
        raise UsageError(f"{GOALS}: facts: no column {column!r} (there are: {', '.join(data['facts'])})")
    least, most = data["facts"][column]
    return _Table(
        least=least,
        most=most,
        told=data["told"],
        told_most=data["told_most"],
        told_least=data["told_least"]["own_facts"],
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
    """One of the groups left, which is used up, and a fact from it; a purpose goes by the person's life, if it can."""
    group = draw(groups, share(*key, "group"))
    del groups[group]
    at_school = traits["occupation"] == "pupil"
    cases = {"purpose": "pupil" if at_school else traits["setting"], "prior": traits["knowledge"]}
    pools = table.groups[group]
    return group, pick(pools.get(cases.get(group, "list")) or pools["list"], share(*key, "fact"))[0]
