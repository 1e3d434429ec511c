"""Tasks for an assistant with tools: what its people ask for, with figures drawn by code, so that the answer is known.

A sector names their file in its `sector.toml`. For each level of its openers it has the tool that helps, and for each
language the tasks: a clause with slots, the range of each slot, and the tool's argument with the same slots. A sector
with problems has the same without tools: code works out the answer, and the assistant has to state it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from dialogue.chance import share
from dialogue.errors import UsageError
from dialogue.records import Record, one_line
from prompts import passages
from prompts.loader import Prompts
from prompts.passages import Passage
from prompts.sector import Sector

Item = TypeVar("Item")
Table = TypeVar("Table", bound=Record)

TOOLS = ("Calculate", "Solve", "Search")

SPEC_CHARACTERS = 400
"""Of a passage in the opener writer's line."""


class Kind(Record):
    """One kind of task."""

    task: str
    """What is asked for, as a clause that the opener is built around: "what {n} chairs at {p} each cost"."""
    argument: str
    """What the tool is given: "{n} * {p}"."""
    then: str
    """What the person comes out with later; the slots in it have another figure from then on."""
    slots: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    """Least, most and, where it is not one, the step of each figure."""

    @property
    def changing(self) -> list[str]:
        """The slots that have another figure later."""
        return [name for name in self.slots if f"{{{name}}}" in self.then]

    @model_validator(mode="after")
    def _fills(self) -> "Kind":
        first = {name: str(bounds[0]) for name, bounds in self.slots.items() if 2 <= len(bounds) <= 3}
        try:
            self.task.format_map(first), self.argument.format_map(first), self.then.format_map(first)
        except KeyError as error:
            raise ValueError(f"{self.task!r}: no slot {error} of two or three figures") from None
        return self


class Toolbox(Record):
    """What a sector says of its tools."""

    commands: int = Field(ge=1)
    """Most commands in one turn."""
    passages: str
    """File in the sector's folder with passages to search, where the user brings none."""
    needed: float = Field(ge=0, le=1)
    """Chance that the tool which helps with the opener's task is on."""
    others: float = Field(ge=0, le=1)
    """The same for each other tool."""
    tool_of: dict[str, Literal["Calculate", "Solve", "Search"]]
    """The tool that helps, by level of openers."""
    goals: dict[str, tuple[str, ...]]
    """What people want, by language."""
    facts: dict[str, tuple[str, ...]]
    """What people come out with later where something is to be looked up, by language."""

    @model_validator(mode="after")
    def _speaks(self) -> "Toolbox":
        for name, tables in (("goals", self.goals), ("facts", self.facts)):
            if not all(tables.values()) or "en" not in tables:
                raise ValueError(f"{name}: expected lines for 'en', which every other language falls back on")
        return self


class Problems(Record):
    """What a sector says of its problems."""

    tool_of: dict[str, Literal["Calculate", "Solve"]]
    """What works out the answer, by level of openers: the value of an expression, or the unknown x of an equation."""
    goals: dict[str, tuple[str, ...]]
    """What people want, by language."""

    @model_validator(mode="after")
    def _speaks(self) -> "Problems":
        if not all(self.goals.values()) or "en" not in self.goals:
            raise ValueError("goals: expected lines for 'en', which every other language falls back on")
        return self


class Task(Record):
    """One task, drawn."""

    tool: str
    clause: str
    """What is asked for."""
    argument: str | None = None
    """What the tool would be given; None where any words will do."""
    passage: str | None = None
    """The name of the passage that answers it."""
    goal: str
    """What the person wants, in one line."""
    then: str
    """What the person comes out with later."""
    then_argument: str | None = None
    """What the tool would be given then."""
    then_figure: str | None = None
    """The figure that has to be said then."""

    @property
    def topic(self) -> str:
        """What it is about, in short."""
        return self.passage or self.clause


class ToolPlan(Record):
    """What is drawn for a dialogue: which tools are on, and its task, where its opener is built around one."""

    enabled: tuple[str, ...] = ()
    task: Task | None = None


@cache
def toolbox(prompts: Prompts, file: str) -> Toolbox:
    """What the file says of the tools. Raises UsageError."""
    return _read(Toolbox, prompts, file)


@cache
def problems(prompts: Prompts, file: str) -> Problems:
    """What the file says of the problems. Raises UsageError."""
    return _read(Problems, prompts, file)


def _read(kind: type[Table], prompts: Prompts, file: str) -> Table:
    try:
        return kind.model_validate({name: value for name, value in prompts.data(file).items() if name != "tasks"})
    except ValidationError as error:
        raise UsageError(f"{prompts.path(file)}: {one_line(error)}") from None


def tool_plan(
    prompts: Prompts, sector: Sector, language: str, level: str | None, run_seed: int, id: str, own_opener: bool = False
) -> ToolPlan:
    """The plan for the dialogue `id`, whose opener is of this level; a person's own opener has no task of ours."""
    file, key = sector.tool_file, f"{run_seed}/{id}"
    if file is None:
        return ToolPlan(task=None if own_opener else _problem(prompts, sector, language, str(level), key))
    box = toolbox(prompts, file)
    tool = None if own_opener else box.tool_of.get(level or "")
    chance = {name: box.needed if name == tool else box.others for name in TOOLS}
    enabled = tuple(name for name in TOOLS if share(key, "tool", name) < chance[name])
    return ToolPlan(enabled=enabled, task=_task(prompts, sector, language, str(level), tool, key) if tool else None)


def _task(prompts: Prompts, sector: Sector, language: str, level: str, tool: str, key: str) -> Task:
    assert sector.tool_file is not None
    box = toolbox(prompts, sector.tool_file)
    goal = _one(_in(box.goals, language), key, "goal")
    if tool == "Search":
        passage = _one(searched(prompts, sector.tool_file, sector.searched, language), key, "passage")
        fact = _one(_in(box.facts, language), key, "then")
        return Task(tool=tool, clause=_told(passage), passage=passage.name, goal=goal, then=fact)
    return _drawn(prompts, sector.tool_file, language, level, tool, goal, key)


def _problem(prompts: Prompts, sector: Sector, language: str, level: str, key: str) -> Task | None:
    if sector.problem_file is None:
        return None
    table = problems(prompts, sector.problem_file)
    goal = _one(_in(table.goals, language), key, "goal")
    return _drawn(prompts, sector.problem_file, language, level, table.tool_of[level], goal, key)


def _drawn(prompts: Prompts, file: str, language: str, level: str, tool: str, goal: str, key: str) -> Task:
    """A task of the level with its figures, and with one that changes later."""
    choices = kinds(prompts, file, language).get(level)
    if not choices:
        raise UsageError(f"{prompts.path(file)}: tasks: none of {level!r} in {language!r}")
    kind = _one(choices, key, "task")
    figures = {name: _figure(bounds, share(key, "slot", name)) for name, bounds in kind.slots.items()}
    new = {name: _another(kind.slots[name], figures[name], share(key, "then", name)) for name in kind.changing}
    return Task(
        tool=tool,
        clause=kind.task.format_map(figures),
        argument=kind.argument.format_map(figures),
        goal=goal,
        then=kind.then.format_map(new),
        then_argument=kind.argument.format_map({**figures, **new}),
        then_figure=next(iter(new.values()), None),
    )


def _one(choices: Sequence[Item], *key: str) -> Item:
    return choices[int(share(*key) * len(choices))]


def _another(bounds: Sequence[float], figure: str, u: float) -> str:
    """A figure of the range that is not this one."""
    found = _figure(bounds, u)
    return found if found != figure else _figure(bounds, (u + 0.5) % 1)


def _figure(bounds: Sequence[float], u: float) -> str:
    """A figure at position `u` of its range."""
    least, most, step = (*bounds, 1)[:3]
    value = least + step * int(u * (round((most - least) / step) + 1))
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _told(passage: Passage) -> str:
    return f"{passage.name}: {passage.text}"[:SPEC_CHARACTERS]


def _in(tables: Mapping[str, Item], language: str) -> Item:
    """The table of the language, of its base, or the English one."""
    return tables[next((code for code in (language, language.split("-")[0]) if code in tables), "en")]


@cache
def kinds(prompts: Prompts, file: str, language: str) -> Mapping[str, Sequence[Kind]]:
    """The kinds of tasks by level, in the language, its base, or English."""
    try:
        table: Mapping[str, Any] = _in(prompts.data(file)["tasks"], language)
        return {level: [Kind.model_validate(row) for row in rows] for level, rows in table.items()}
    except ValidationError as error:
        raise UsageError(f"{prompts.path(file)}: tasks: {one_line(error)}") from None


@cache
def searched(prompts: Prompts, file: str, input: Path | None, language: str) -> Sequence[Passage]:
    """The passages to search: those of the user's file, or those that stand beside the file of tools."""
    if input is not None:
        return passages.from_input(input, language)
    return passages.from_data(prompts, f"{file.rpartition('/')[0]}/{toolbox(prompts, file).passages}", language)
