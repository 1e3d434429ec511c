"""`messages`: our own record, and any object with a `messages` list of {role, content}."""

from collections.abc import Mapping
from typing import Any

from dialogue.records import Dialogue, decode, encode

suffix = ".jsonl"


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    return isinstance(fields.get("messages"), list)


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue in an object; ValueError where there is none."""
    return decode(fields)


def to_line(dialogue: Dialogue) -> bytes:
    """The whole record as a line."""
    return encode(dialogue)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue: nothing."""
    return []
