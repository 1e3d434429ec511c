"""`oasst_guanaco`, openassistant-guanaco's layout: {"text": "### Human: q### Assistant: a### Human: q2"}, one text.

A tag counts wherever it stands, since the answers of that corpus end right before it. Two newlines before a tag are
left out, and one space or newline behind it; what is written gets newlines where a turn's own end would be taken for
them, so that it comes back to the letter.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from dialogue.fields import made, plain_losses, text, turns
from dialogue.records import Dialogue, Message

suffix = ".jsonl"
about = "text with ### Human: and ### Assistant: turns, as openassistant-guanaco"

_NAMES = ("Human", "Assistant")
_BEGIN = "### Human:"
_TAG = re.compile(r"### (Human|Assistant):")
_BETWEEN = re.compile(r"((?:\r?\n){0,2})### (Human|Assistant):[ \n]?")
_HEADING = re.compile(r"(?:^|\n)#+$")
_OTHERS = frozenset(
    ("messages", "conversations", "data", "items", "instruction", "prompt", "chosen", "completions", "question", "chat")
) | {"input", "output", "history", "response", "role", "answer"}
"""Fields with the turns of another layout, beside which `text` is what was made of them."""


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format: its text begins with a human's tag and has an assistant's."""
    value = fields.get("text")
    found = isinstance(value, str) and value.lstrip().startswith(_BEGIN) and "### Assistant:" in value
    return found and not fields.keys() & _OTHERS


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue in an object; ValueError where turns do not alternate, one is empty or none is answered."""
    whole = text(fields, "text").lstrip()
    if not whole.startswith(_BEGIN):
        raise ValueError(f"text: expected to begin with {_BEGIN}")
    parts = _BETWEEN.split(whole)
    breaks, names, contents = parts[1::3], parts[2::3], parts[3::3]
    for place, name in enumerate(names):
        if name != _NAMES[place % 2]:
            raise ValueError(f"text: turn {place + 1} is {name}'s; Human and Assistant have to alternate")
        if not contents[place].strip():
            raise ValueError(f"text: turn {place + 1} is empty")
        if place and not breaks[place] and _HEADING.search(contents[place - 1]):
            raise ValueError(f"text: turn {place + 1} begins as a heading with more than three #")
    if len(names) < len(_NAMES):
        raise ValueError("text: nothing is answered in it")
    return made(turns(*contents), fields, ("text",))


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a line. ValueError where turns do not alternate, are empty, hold a tag, or none is answered."""
    if any(message.role == "tool" or message.tool_calls for message in dialogue.messages):
        raise ValueError("tools are called in it; oasst_guanaco has no place for that")
    spoken = [message for message in dialogue.messages if message.role in ("user", "assistant")]
    if len(spoken) < len(_NAMES):
        raise ValueError("nothing is answered in it; oasst_guanaco holds answered dialogues only")
    whole = ""
    for place, message in enumerate(spoken):
        _check(place, message)
        whole += f"{_break(whole)}### {_NAMES[place % 2]}: {message.content}"
    return orjson.dumps({"id": dialogue.id, "text": whole}, option=orjson.OPT_APPEND_NEWLINE)


def _check(place: int, message: Message) -> None:
    if message.role != ("user", "assistant")[place % 2]:
        raise ValueError(f"message {place + 1} is the {message.role}'s; turns alternate in oasst_guanaco")
    if not message.content.strip():
        raise ValueError(f"message {place + 1} is empty")
    if _TAG.search(message.content):
        raise ValueError(f"message {place + 1} holds a tag of the format")


def _break(before: str) -> str:
    """What stands before a tag, so that neither a newline nor a # of the turn before becomes part of it."""
    return "\n\n" if before.endswith(("\n", "#")) else ""


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    return plain_losses(dialogue)
