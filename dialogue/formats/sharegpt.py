"""`sharegpt`, Vicuna's and FastChat's: {"id": ..., "conversations": [{"from": "human", "value": ...}, ...]}.

A turn may bear a `weight`, as SlimOrca's and Axolotl's do. Turns of {role, content} are messages as OpenAI spells them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson

from dialogue.records import Dialogue, Message, Role, Seed, content_id
from dialogue.spelling import spelled, weight_of

suffix = ".json"
about = "conversations with from and value"

_ROLES: dict[str, Role] = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "assistant": "assistant",
    "system": "system",
    "function_call": "assistant",
    "observation": "tool",
    "tool": "tool",
}
_SPEAKERS: dict[Role, Literal["human", "gpt", "system", "observation"]] = {
    "user": "human",
    "assistant": "gpt",
    "system": "system",
    "tool": "observation",
}


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    return isinstance(fields.get("conversations"), list) and "chosen" not in fields


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue in an object; ValueError where there is none. A `system` field becomes the first message."""
    turns = fields.get("conversations")
    if not isinstance(turns, list) or not turns:
        raise ValueError("conversations: expected a list that is not empty")
    messages, kept = _messages(turns)
    if isinstance(fields.get("system"), str) and fields["system"]:
        messages.insert(0, Message(role="system", content=fields["system"]))
    extra = {name: value for name, value in fields.items() if name not in ("id", "conversations", "system")} | kept
    id = str(fields["id"]) if fields.get("id") is not None else content_id(messages)
    return Dialogue(id=id, messages=tuple(messages), seed=Seed(extra=extra))


def _messages(turns: Sequence[object]) -> tuple[list[Message], dict[str, Any]]:
    """The messages, and what they have no place for."""
    if all(isinstance(turn, dict) and "role" in turn and not {"from", "value"} & turn.keys() for turn in turns):
        return spelled(turns, "conversations")
    return [message_of(turn, place) for place, turn in enumerate(turns, 1)], {}


def message_of(turn: object, place: int) -> Message:
    """The message of a turn; ValueError where it is none. `place` is for what is said of it."""
    turn = turn if isinstance(turn, dict) else {}
    speaker, value = turn.get("from", turn.get("role")), turn.get("value", turn.get("content"))
    if not isinstance(value, str) or not isinstance(speaker, str) or speaker not in _ROLES:
        raise ValueError(f"conversations.{place}: expected `from` ({', '.join(_ROLES)}) and `value`")
    weight = weight_of(turn, f"conversations.{place}")
    if speaker == "function_call":
        return Message(role="assistant", content="", tool_calls=[{"raw": value}], weight=weight)
    return Message(role=_ROLES[speaker], content=value, weight=weight)


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a line."""
    turns = [_turn(message) for message in dialogue.messages]
    return orjson.dumps({"id": dialogue.id, "conversations": turns}, option=orjson.OPT_APPEND_NEWLINE)


def _turn(message: Message) -> dict[str, str | float]:
    weight: dict[str, float] = {} if message.weight is None else {"weight": message.weight}
    if message.tool_calls and not message.content:
        call = message.tool_calls[0]
        raw = call.get("raw") if isinstance(call, dict) else None
        value = raw if isinstance(raw, str) else orjson.dumps(call).decode()
        return {"from": "function_call", "value": value, **weight}
    return {"from": _SPEAKERS[message.role], "value": message.content, **weight}


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    thoughts = calls = False
    for message in dialogue.messages:
        thoughts = thoughts or bool(message.thoughts)
        calls = calls or bool(message.tool_calls and (message.content or len(message.tool_calls) > 1))
    lost = ["seed, usage and other metadata"]
    return [*lost, *["thoughts"] * thoughts, *["tool calls beside text or beside another"] * calls]
