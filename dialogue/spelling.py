"""Messages as others spell them, made those of our record: OpenAI's, TRL's and what servers answer.

    content      a list of text parts ({"type": "text", "text": "..."}) is their text, joined as servers join them;
                 null beside tool calls or thoughts is no word at all
    thoughts     `reasoning_content`, `reasoning`, `thinking`, and parts of an answer's content of type `thinking`
    tool_calls   `function_call`, as OpenAI had it before; its role `function` is `tool`
    roles        `developer` is system; `human`, and `gpt`, `model`, `bot` or `ai`, are user and assistant
    system       a field of the row beside its messages, as Anthropic's: the first message, where none is a system's
    weight       `train` or `training`, true or false, as Axolotl's data may have it

Fields that say nothing (null, an empty list) are passed over; others go to `seed.extra`, as those of a row do.
"""

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from dialogue.jsonl import kind_of
from dialogue.records import Message, Role, decode

KEPT = "message_fields"
"""In `seed.extra`: an object a message, of the fields that a message of ours has no place for."""
_KNOWN = frozenset(Message.model_fields)
_OURS = ("system", "user", "assistant", "tool")
_ROLES: dict[str, Role] = {
    "developer": "system",
    "function": "tool",
    "human": "user",
    **dict.fromkeys(("gpt", "model", "bot", "ai"), "assistant"),
}
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
_TAUGHT = ("train", "training")
_DETAILS = ("train_detail", "training_detail")
_PARTS = ("text", "input_text", "output_text")
_LABEL = re.compile(r"(?:^|\n\n)(Human|Assistant):[ \n]*")
_NOTHING: tuple[object, ...] = (None, [], "")


def row_as_ours(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row with a list of `messages`, these in our words; what they have no place for is in a field named `KEPT`.

    ValueError, with its place, for a part that is no text.
    """
    before = _system(fields)
    if not before and all(map(_is_ours, fields["messages"])):  # nearly always, and a tenth of the reading of a row
        return fields
    found, left = _ours(fields["messages"], "messages")
    if before:
        fields = {name: value for name, value in fields.items() if name != "system"}
        found, left = [{"role": "system", "content": before}, *found], [{}, *left]
    return {**fields, "messages": found, **({KEPT: left} if any(left) else {})}


def _system(fields: Mapping[str, Any]) -> str:
    """The `system` of a row, as Anthropic's have it; empty where there is none, or a message is one."""
    words, messages = fields.get("system"), fields["messages"]
    if not words or not messages or not isinstance(words, str | list):
        return ""
    if any(isinstance(one, dict) and one.get("role") in ("system", "developer") for one in messages):
        return ""
    return words if isinstance(words, str) else _text(words, "system")


def spelled(messages: Sequence[object], name: str) -> tuple[list[Message], dict[str, Any]]:
    """The messages of a list that is called so in its row, and as `KEPT` what they have no place for. ValueError."""
    found, left = _ours(messages, name)
    try:
        return list(decode({"messages": found}).messages), {KEPT: left} if any(left) else {}
    except ValueError as error:
        raise ValueError(str(error).replace("messages", name, 1)) from None


def messages_of(value: object, name: str) -> list[Message]:
    """Messages from a list of them, or a text: with `Human:` and `Assistant:` turns, or what one side says.

    The text of a `prompt` is the user's, any other the assistant's. ValueError, with the name, where there is none.
    """
    if isinstance(value, list) and value:
        return _listed(value, name)
    if not isinstance(value, str):
        raise ValueError(f"{name}: {_what(value)}, expected a text or messages")
    parts = _LABEL.split(value)
    if len(parts) > 1 and not parts[0].strip():
        roles: dict[str, Role] = {"Human": "user", "Assistant": "assistant"}
        spoken = [(roles[label], words.strip()) for label, words in zip(parts[1::2], parts[2::2], strict=True)]
        if name == "prompt" and spoken[-1] == ("assistant", ""):
            spoken.pop()
        return [Message(role=role, content=words) for role, words in spoken]
    if not value.strip():
        raise ValueError(f"{name}: is empty")
    return [Message(role="user" if name == "prompt" else "assistant", content=value)]


def weight_of(turn: Mapping[str, Any], place: str) -> float | None:
    """The weight of a turn that is no message of {role, content}; None where none is stated. ValueError for no number.

    One of which parts alone are learned is refused: weights are of whole messages.
    """
    _refuse_details(turn, place)
    found = next((turn[name] for name in ("weight", *_TAUGHT) if turn.get(name) is not None), None)
    if found is None:
        return None
    with suppress(TypeError, ValueError, OverflowError):
        if math.isfinite(weight := float(found)):
            return weight
    raise ValueError(f"{place}.weight: {found!r:.40}, expected a number")


def _refuse_details(message: Mapping[str, Any], place: str) -> None:
    for name in _DETAILS:
        parts = message.get(name)
        if isinstance(parts, list) and any(isinstance(one, dict) and one.get("train") is False for one in parts):
            raise ValueError(f"{place}.{name}: a part of it has train: false; an answer is learned whole or not at all")


def _listed(value: Sequence[object], name: str) -> list[Message]:
    found, kept = spelled(value, name)
    for place, more in enumerate(kept.get(KEPT, ())):
        if more:
            raise ValueError(f"{name}.{place}.{next(iter(more))}: no field of a message; leave it out")
    return found


def _what(value: object) -> str:
    return "is empty" if value == [] else kind_of(value)


def _ours(messages: Sequence[object], name: str) -> tuple[list[object], list[dict[str, Any]]]:
    """The messages in our words, and of each the fields that ours have no place for."""
    found = [_message(one, f"{name}.{place}") for place, one in enumerate(messages)]
    left = [_left(one) for one in found]
    return [_without(one, more) for one, more in zip(found, left, strict=True)], left


def _left(message: object) -> dict[str, Any]:
    if not isinstance(message, dict) or message.keys() <= _KNOWN:  # nearly always
        return {}
    return {name: value for name, value in message.items() if name not in _KNOWN}


def _without(message: object, left: Mapping[str, Any]) -> object:
    if not left or not isinstance(message, dict):
        return message
    return {name: value for name, value in message.items() if name not in left}


def _is_ours(given: object) -> bool:
    """Whether a message is spelled as ours are."""
    if not isinstance(given, dict) or given.get("role") not in _OURS:
        return False
    return isinstance(given.get("content"), str) and given.keys() <= _KNOWN


def _message(given: object, place: str) -> object:
    if not isinstance(given, dict) or _is_ours(given):
        return given
    _refuse_details(given, place)
    found = {name: value for name, value in given.items() if name in _KNOWN or value not in _NOTHING}
    _rename(found)
    if isinstance(found.get("content"), list):
        _think(found, f"{place}.content")
        found["content"] = _text(found["content"], f"{place}.content")
    if found.get("content") is None and (found.get("tool_calls") or found.get("thoughts")):
        found["content"] = ""
    return found


def _rename(message: dict[str, Any]) -> None:
    if isinstance(role := message.get("role"), str) and role in _ROLES:
        message["role"] = _ROLES[role]
    for name in _THOUGHTS:
        if message.get("thoughts") is None and isinstance(message.get(name), str):
            message["thoughts"] = message.pop(name)
        elif message.get(name) is not None and message.get(name) == message.get("thoughts"):
            del message[name]
    if message.get("tool_calls") is None and isinstance(message.get("function_call"), dict):
        message["tool_calls"] = [{"type": "function", "function": message.pop("function_call")}]
    for name in _TAUGHT:
        if message.get("weight") is None and isinstance(message.get(name), bool):
            message["weight"] = float(message.pop(name))


def _think(message: dict[str, Any], place: str) -> None:
    """Take the parts that are thoughts out of an answer's content."""
    parts = message["content"]
    thinks = [isinstance(part, dict) and isinstance(part.get("thinking"), str | list) for part in parts]
    if message.get("role") != "assistant" or message.get("thoughts") or not any(thinks):
        return
    told = [part["thinking"] for part, thought in zip(parts, thinks, strict=True) if thought]
    message["thoughts"] = "".join(one if isinstance(one, str) else _text(one, f"{place}.thinking") for one in told)
    message["content"] = [part for part, thought in zip(parts, thinks, strict=True) if not thought]


def _text(parts: Sequence[object], place: str) -> str:
    return "".join(_part(one, f"{place}.{number}") for number, one in enumerate(parts))


def _part(part: object, place: str) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise ValueError(f"{place}: {kind_of(part)}, expected a part of type text")
    if part.get("type", "text") not in _PARTS:
        raise ValueError(f"{place}: a part of type {str(part['type'])[:40]!r}; only texts are held")
    if not isinstance(part.get("text"), str):
        raise ValueError(f"{place}.text: {kind_of(part.get('text'))}, expected a text")
    return str(part["text"])
