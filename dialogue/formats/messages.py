"""`messages`: our own record, and any object with a `messages` list of {role, content}."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from dialogue.records import Dialogue, decode, encode

suffix = ".jsonl"
about = "messages with role and content"

_RECORD = Dialogue.__pydantic_validator__


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    return isinstance(fields.get("messages"), list)


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue in an object; ValueError where there is none."""
    return decode(fields)


def native(line: bytes) -> Dialogue | None:
    """The dialogue in a line that is a whole record of ours, in half the time of decoding it first; None of another."""
    if b"NaN" in line or b"Infinity" in line:
        return None
    try:
        dialogue: Dialogue = _RECORD.validate_json(line)
    except ValidationError:
        return None
    return dialogue if dialogue.id and dialogue.messages else None


def to_line(dialogue: Dialogue) -> bytes:
    """The whole record as a line."""
    return encode(dialogue)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue: nothing."""
    return []
