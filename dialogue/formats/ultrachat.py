"""`ultrachat`: {"id": ..., "data": [user, assistant, user, ...]}, no roles and no metadata."""

from collections.abc import Mapping
from typing import Any

import orjson

from dialogue.fields import weights_of
from dialogue.records import Dialogue, Message, Seed, content_id

suffix = ".jsonl"
about = "data: texts in turn"


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    return isinstance(fields.get("data"), list)


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue in an object, even places the user's; ValueError where there is none."""
    data = fields.get("data")
    if isinstance(data, list) and any(isinstance(one, dict) for one in data):
        raise ValueError("data: a list of objects, not of texts; if these are the rows, write that list alone")
    if not isinstance(data, list) or not data or not all(isinstance(text, str) for text in data):
        raise ValueError("data: expected a list of texts that is not empty")
    roles = ("user", "assistant")
    messages = tuple(Message(role=roles[place % 2], content=text) for place, text in enumerate(data))
    extra = {name: value for name, value in fields.items() if name not in ("id", "data")}
    id = str(fields["id"]) if fields.get("id") is not None else content_id(messages)
    return Dialogue(id=id, messages=messages, seed=Seed(extra=extra))


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a line. ValueError where user and assistant do not alternate from a user's turn on."""
    spoken = [message for message in dialogue.messages if message.role in ("user", "assistant")]
    for place, message in enumerate(spoken):
        if message.role != ("user", "assistant")[place % 2]:
            raise ValueError(f"{dialogue.id}: message {place + 1} is the {message.role}'s; ultrachat has no roles")
    fields = {"id": dialogue.id, "data": [message.content for message in spoken]}
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    lost = ["seed, usage and other metadata"]
    if any(message.role not in ("user", "assistant") for message in dialogue.messages):
        lost.append("system and tool messages")
    if any(message.thoughts for message in dialogue.messages):
        lost.append("thoughts")
    return [*lost, *weights_of(dialogue)]
