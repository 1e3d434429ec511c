"""What a tool is: a name to call it by, and an answer to any text."""

from dataclasses import dataclass
from typing import Protocol

MAX_CHARACTERS = 400
"""A longer argument is refused unread: every bound on work rests on this one."""


class Refused(Exception):
    """What a tool says where there is no result: one clause, for the model to read."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a command gave: a text, or the error that stands in its place. An empty text: there was nothing to find."""

    text: str = ""
    error: str | None = None


class Tool(Protocol):
    """Something that a command calls."""

    @property
    def name(self) -> str:
        """How a command begins: Calculate."""
        ...

    def call(self, argument: str) -> Result:
        """The result for any text whatever. Never raises, and does bounded work."""
        ...


def bounded(argument: str) -> str:
    """The argument without white space around it. Raises Refused where it is empty or too long."""
    if len(argument) > MAX_CHARACTERS:
        raise Refused(f"longer than {MAX_CHARACTERS} characters")
    if not argument.strip():
        raise Refused("nothing was given")
    return argument.strip()
