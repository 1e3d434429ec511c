"""`messages`: our own record, and any object with a `messages` list of {role, content}.

Messages may be spelled as OpenAI's, TRL's or a server's are (dialogue/spelling.py); a list named `conversation`, as of
WildChat and LMSYS, is read alike.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson
from pydantic import ValidationError

from dialogue.records import Dialogue, decode, encode
from dialogue.spelling import row_as_ours

suffix = ".jsonl"
about = "messages with role and content"

_FREE = ("seed", "usage", "scores")
_FREE_IN = ("tool_calls", "scores", "candidates")
"""Of a record and of its messages: parts of free form, which tables hold as texts of JSON."""
_RECORD = Dialogue.__pydantic_validator__


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    return isinstance(_listed(fields).get("messages"), list) and not ("chosen" in fields and "rejected" in fields)


def _listed(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields, a list of messages named `conversation` as `messages`."""
    spoken = fields.get("conversation")
    if "messages" in fields or not isinstance(spoken, list) or not spoken:
        return fields
    if not all(isinstance(one, dict) and {"role", "content"} <= one.keys() for one in spoken):
        return fields
    return {"messages": spoken, **{name: value for name, value in fields.items() if name != "conversation"}}


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue in an object; ValueError where there is none.

    Parts that were made texts of JSON on the way through a table are read as what they were.
    """
    fields = _listed(fields)
    texts = any(isinstance(fields.get(name), str) for name in _FREE)
    messages = fields.get("messages")
    if isinstance(messages, list) and any(isinstance(one, dict) and _packed(one) for one in messages):
        fields = {
            **fields,
            "messages": [_unpacked(one, _FREE_IN) if isinstance(one, dict) else one for one in messages],
        }
    if isinstance(messages, list):
        fields = row_as_ours(fields)
    return decode(_unpacked(fields, _FREE) if texts else fields)


def _packed(message: Mapping[str, Any]) -> bool:
    return any(isinstance(message.get(name), str) for name in _FREE_IN)


def _unpacked(fields: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    found = dict(fields)
    for name in names:
        with suppress(orjson.JSONDecodeError):
            found[name] = orjson.loads(found[name]) if isinstance(found.get(name), str) else found.get(name)
    return {name: value for name, value in found.items() if value is not None or name in fields}


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
