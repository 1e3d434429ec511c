"""The tools of a sector in use: made once for a language, executed between an assistant's command and its answer."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from pydantic import JsonValue

from dialogue.records import Message, Usage
from generator.play import Turn
from generator.tools.calculator import Calculator
from generator.tools.commands import Command, read, result, shown
from generator.tools.search import Search
from generator.tools.solver import Solver
from generator.tools.tool import Tool
from prompts.loader import Prompts
from prompts.sector import Sector
from prompts.tasks import ToolPlan, searched


def tools_of(prompts: Prompts, sector: Sector, language: str) -> Mapping[str, Tool]:
    """The sector's tools by name; none where it has none."""
    return _tools(prompts, sector.tool_file, sector.searched, language) if sector.tool_file else {}


@cache
def _tools(prompts: Prompts, file: str, input: Path | None, language: str) -> Mapping[str, Tool]:
    found: tuple[Tool, ...] = (Calculator(), Solver(), Search(searched(prompts, file, input, language)))
    return {tool.name: tool for tool in found}


class Executor:
    """The speaker between a command and the answer: it says what the tools say, and costs nothing.

    It depends on the commands alone, so a result that a kill took is the same when it is made again.
    """

    def __init__(self, tools: Mapping[str, Tool]) -> None:
        self._tools = tools

    async def reply(self, history: Sequence[Message]) -> Turn:
        """The results of the last message's commands, in their order."""
        commands = [_read(call) for call in history[-1].tool_calls or ()]
        said = [shown(command, result(command, self._tools)) for command in commands]
        return Turn(Message(role="tool", content="\n".join(said)), Usage())


def calls(commands: Sequence[Command]) -> list[JsonValue]:
    """Commands as a message bears them."""
    return [{"raw": command.text} for command in commands]


def _read(call: JsonValue) -> Command:
    """The command of a call, which was read once before it was written down."""
    assert isinstance(call, dict)
    return read(str(call["raw"]))


def noted(plan: ToolPlan, tools: Mapping[str, Tool]) -> dict[str, JsonValue]:
    """What goes to `Seed.extra`: the tools that are on and, of a task of ours, what helps and what it gives."""
    fields: dict[str, JsonValue] = {"enabled": [*plan.enabled]}
    if (task := plan.task) is None:
        return {"tools": fields}
    found: dict[str, JsonValue] = {"tool": task.tool}
    if task.passage is not None:
        found["passage"] = task.passage
    if task.argument is not None:
        found |= {"asks": task.clause, **_expected(task.tool, task.argument, tools)}
    if task.then_argument is not None:
        found["then"] = {"fact": task.then, **_expected(task.tool, task.then_argument, tools)}
    return {"tools": {**fields, "task": found}}


def _expected(tool: str, argument: str, tools: Mapping[str, Tool]) -> dict[str, JsonValue]:
    command = Command(tool, argument)
    return {"command": command.text, "expected": result(command, tools).text}
