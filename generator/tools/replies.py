"""A reply of an assistant with tools, read strictly: a thought, then commands or an answer, and nothing else.

    Thought: ...
    Command: Calculate("2 + 3")        one line each
or
    Thought: ...
    Answer: ...                        to the end

What is not so is never mended: a thought taken for an answer would be shown to the user, a result that the model wrote
itself would stand in the record as one of the tool's.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from generator.tools.commands import Command, read
from prompts.tasks import TOOLS

REPLY = re.compile(r"Thought[:：](?P<thoughts>.*?)\n[ \t]*(?=(?:Answer|Command)[:：])(?P<rest>.*)", re.DOTALL)
LABEL = re.compile(r"^\s*\**(?:Thought|Command)\**[:：]", re.MULTILINE)
COMMAND = re.compile(r"Command[:：](.*)")


FAULTS = (
    "shape",
    "no_command",
    "disabled_tool",
    "too_many_commands",
    "second_command",
    "invented_result",
    "answer_repeated",
    "cut",
)
"""The checks that a reply may fail."""


class Broken(Exception):
    """A reply that is asked again: which check it failed, and a piece of it."""

    def __init__(self, check: str, evidence: str) -> None:
        super().__init__(f"{check}: {evidence}")
        self.check = check
        self.evidence = evidence


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reply holds: commands, or an answer."""

    thoughts: str
    commands: tuple[Command, ...] = ()
    answer: str = ""


def read_reply(text: str, *, enabled: Collection[str], most: int) -> Reply:
    """The reply in a text; `most`: commands that it may have, 0 after results. Raises Broken."""
    found = REPLY.fullmatch(text.strip())
    if found is None:
        raise Broken("shape", text.strip()[:60])
    thoughts = " ".join(found["thoughts"].split())
    if not thoughts or LABEL.search(found["thoughts"]):
        raise Broken("shape", text.strip()[:60])
    if found["rest"].startswith("Command"):
        return Reply(thoughts, commands=_commands(found["rest"], enabled, most))
    answer = re.split("[:：]", found["rest"], maxsplit=1)[1].strip()
    if not answer or LABEL.search(answer):
        raise Broken("shape", found["rest"][:60])
    return Reply(thoughts, answer=answer)


def _commands(rest: str, enabled: Collection[str], most: int) -> tuple[Command, ...]:
    commands = []
    for line in filter(None, map(str.strip, rest.split("\n"))):
        written = COMMAND.fullmatch(line)
        if written is None:
            raise Broken("invented_result", line[:60])
        try:
            commands.append(read(written[1]))
        except ValueError:
            raise Broken("no_command", line[:60]) from None
    for command in commands:
        if command.tool not in enabled:
            raise Broken("disabled_tool" if command.tool in TOOLS else "no_command", command.text[:60])
    if not most:
        raise Broken("second_command", commands[0].text[:60])
    if len(commands) > most:
        raise Broken("too_many_commands", f"{len(commands)}, at most {most}")
    return tuple(commands)
