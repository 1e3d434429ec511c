"""Commands as a model writes them, `Calculate("2 + 3")`, and what comes of them.

A command is read strictly: the name of a tool, and one JSON string in brackets. What is not so is a fault of the reply,
never guessed at. What a tool says is data: it is shown as it is, errors and empty results too.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from generator.tools.tool import Result, Tool

COMMAND = re.compile(r"([A-Za-z][A-Za-z0-9_]{0,40})\(\s*(\".*\")\s*\)", re.DOTALL)
NOTHING = "No results."


@dataclass(frozen=True, slots=True)
class Command:
    """One call of a tool."""

    tool: str
    argument: str

    @property
    def text(self) -> str:
        """As it stands in the record."""
        return f"{self.tool}({orjson.dumps(self.argument).decode()})"


def read(text: str) -> Command:
    """The command in a text; ValueError where it is none."""
    found = COMMAND.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'{text.strip()[:60]!r} is no command; one looks like Calculate("2 + 3")')
    try:
        return Command(found[1], orjson.loads(found[2]))
    except orjson.JSONDecodeError:
        raise ValueError(f'{text.strip()[:60]!r}: a quotation mark inside is written \\"') from None


def result(command: Command, tools: Mapping[str, Tool]) -> Result:
    """What the command's tool says."""
    tool = tools.get(command.tool)
    return tool.call(command.argument) if tool else Result(error=f"there is no tool {command.tool}")


def shown(command: Command, found: Result) -> str:
    """Command and result as one text, as MOSS writes them."""
    said = f"Error: {found.error}." if found.error is not None else found.text or NOTHING
    return f"{command.text} =>{chr(10) if chr(10) in said or said.startswith('[') else ' '}{said}"
