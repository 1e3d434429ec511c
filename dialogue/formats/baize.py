"""`baize`: {"topic": ..., "input": "<header>\\n[|Human|] q\\n[|AI|] a\\n[|Human|] "}, one text with tags.

The open human tag at the end is where Baize's model stops. Baize's own reader drops the exchange before it as well and
all that follows a broken turn; here the one is kept and the other is refused.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from dialogue.fields import weights_of
from dialogue.records import Dialogue, Message, Role, Seed, content_id

suffix = ".json"
about = "input with [|Human|] and [|AI|] turns"

HEADER = "The conversation between human and AI assistant."

_ROLES: dict[str, Role] = {"[|Human|]": "user", "[|AI|]": "assistant"}
_TAGS = {role: tag for tag, role in _ROLES.items()}
_TAG = re.compile(r"(?:^|\n)(\[\|Human\|\]|\[\|AI\|\]) ?")


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    return isinstance(fields.get("input"), str) and "[|Human|]" in fields["input"] and "instruction" not in fields


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue in an object; ValueError where its turns do not alternate from a human's on."""
    text, topic = fields.get("input"), fields.get("topic")
    if not isinstance(text, str):
        raise ValueError("input: expected a text with [|Human|] and [|AI|] turns")
    if topic is not None and not isinstance(topic, str):
        raise ValueError("topic: expected a text")
    header, *rest = _TAG.split(text)
    messages = _messages(rest[::2], rest[1::2])
    extra = {name: value for name, value in fields.items() if name not in ("id", "topic", "input")}
    if header != HEADER:
        extra["header"] = header
    id = str(fields["id"]) if fields.get("id") is not None else content_id(messages)
    return Dialogue(id=id, messages=messages, seed=Seed(topic=topic, extra=extra))


def _messages(tags: Sequence[str], texts: Sequence[str]) -> tuple[Message, ...]:
    if tags and tags[-1] == "[|Human|]" and not texts[-1].strip():
        tags, texts = tags[:-1], texts[:-1]
    if not tags:
        raise ValueError("input: no turn in it")
    for place, tag in enumerate(tags):
        if _ROLES[tag] != ("user", "assistant")[place % 2]:
            raise ValueError(f"input: turn {place + 1} is {tag}; human and AI have to alternate, the human first")
    return tuple(Message(role=_ROLES[tag], content=text) for tag, text in zip(tags, texts, strict=True))


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a line. ValueError where turns do not alternate, or one of them holds a tag of the format."""
    spoken = [message for message in dialogue.messages if message.role in _TAGS]
    for place, message in enumerate(spoken):
        if message.role != ("user", "assistant")[place % 2]:
            raise ValueError(f"{dialogue.id}: message {place + 1} is the {message.role}'s; baize's turns alternate")
        if any(tag in message.content for tag in _ROLES):
            raise ValueError(f"{dialogue.id}: message {place + 1} holds a tag of the format")
    given = dialogue.seed.extra.get("header")
    header = given if isinstance(given, str) else HEADER
    if any(tag in header for tag in _ROLES):
        raise ValueError(f"{dialogue.id}: seed.extra.header holds a tag of the format")
    turns = "".join(f"\n{_TAGS[message.role]} {message.content}" for message in spoken)
    text = f"{header}{turns}\n[|Human|] "
    fields = {"id": dialogue.id, "topic": dialogue.seed.topic, "input": text}
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    lost = ["usage and other metadata, seed but its topic"]
    if any(message.role not in _TAGS for message in dialogue.messages):
        lost.append("system and tool messages")
    if any(message.thoughts for message in dialogue.messages):
        lost.append("thoughts")
    return [*lost, *weights_of(dialogue)]
