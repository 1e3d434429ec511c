"""`moss`: {"conversation_id", "meta_instruction", "num_turns", "chat": {"turn_1": {"Human": ..., "MOSS": ...}}}.

A turn's parts bear control tokens ("<|Human|>: ...<eoh>"). Beside what is said there are inner thoughts, commands and
what a tool gave: an assistant message with `thoughts` and `tool_calls`, a `tool` message, and the answer. "None"
stands where a part is empty.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import orjson

from dialogue.fields import weights_of
from dialogue.records import Dialogue, Message, Seed, content_id

suffix = ".jsonl"
about = "chat with turn_N of Human and MOSS"

_PARTS = {
    "Human": ("<|Human|>: ", "<eoh>\n"),
    "Inner Thoughts": ("<|Inner Thoughts|>: ", "<eot>\n"),
    "Commands": ("<|Commands|>: ", "<eoc>\n"),
    "Tool Responses": ("<|Results|>:\n", "<eor>\n"),
    "MOSS": ("<|MOSS|>: ", "<eom>\n"),
}
"""What opens and what closes each part of a turn."""

_TOKEN = re.compile(r"<(?:\|(?:Human|Inner Thoughts|Commands|Results|MOSS)\||eo[htcrm])>")
_TURN = re.compile(r"turn_(\d+)")
_KNOWN = ("conversation_id", "meta_instruction", "num_turns", "chat")
_NOTHING = "None"


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    return isinstance(fields.get("chat"), dict)


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue in an object; ValueError where there is none. Turns come in the order of their numbers."""
    chat, meta = fields.get("chat"), fields.get("meta_instruction")
    if not isinstance(chat, dict) or not chat:
        raise ValueError("chat: expected an object of turns that is not empty")
    if meta is not None and not isinstance(meta, str):
        raise ValueError("meta_instruction: expected a text")
    turns = _ordered(chat)
    said = [
        message for place, (name, turn) in enumerate(turns, 1) for message in _turn(name, turn, place == len(turns))
    ]
    messages = tuple([Message(role="system", content=meta), *said] if meta else said)
    extra = {name: value for name, value in fields.items() if name not in _KNOWN}
    given = fields.get("conversation_id")
    return Dialogue(id=content_id(messages) if given is None else str(given), messages=messages, seed=Seed(extra=extra))


def _ordered(chat: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """By number: as texts turn_10 would come before turn_2. ValueError where a number is missing."""
    numbers = {name: int(found[1]) for name in chat if (found := _TURN.fullmatch(name))}
    if sorted(numbers.values()) != list(range(1, len(chat) + 1)):
        raise ValueError(f"chat: expected turn_1 to turn_{len(chat)}, got {', '.join(chat)[:80]}")
    return sorted(chat.items(), key=lambda item: numbers[item[0]])


def _turn(name: str, turn: object, last: bool) -> Iterator[Message]:
    if not isinstance(turn, dict):
        raise ValueError(f"chat.{name}: expected an object")
    asked, answer = _part(name, turn, "Human"), _part(name, turn, "MOSS")
    if asked is None or (answer is None and not last):
        raise ValueError(f"chat.{name}: {'Human' if asked is None else 'MOSS'} is missing")
    yield Message(role="user", content=asked)
    thoughts, command = (_some(_part(name, turn, part)) for part in ("Inner Thoughts", "Commands"))
    result = _part(name, turn, "Tool Responses")
    if command is None and _some(result) is not None:
        raise ValueError(f"chat.{name}: Tool Responses without Commands")
    if command is not None:
        yield Message(role="assistant", content="", thoughts=thoughts, tool_calls=[{"raw": command}])
        yield Message(role="tool", content=result or "")
        thoughts = None
    if answer is not None:
        yield Message(role="assistant", content=answer, thoughts=thoughts)


def _part(name: str, turn: Mapping[str, Any], part: str) -> str | None:
    """The part without its control tokens; None where there is none."""
    text = turn.get(part)
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError(f"chat.{name}.{part}: expected a text")
    before, after = _PARTS[part]
    for start in (before, before.rstrip()):
        if text.startswith(start):
            text = text.removeprefix(start)
            break
    for end in (after, after.rstrip()):
        if text.endswith(end):
            return text.removesuffix(end)
    return text


def _some(text: str | None) -> str | None:
    return None if text is None or text.strip() in ("", _NOTHING) else text


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a line. ValueError where the order of its messages, or a control token in one, does not fit."""
    messages = list(dialogue.messages)
    meta = messages.pop(0).content if messages and messages[0].role == "system" else ""
    turns = _turns(dialogue.id, messages)
    chat = {f"turn_{number}": _written(dialogue.id, turn) for number, turn in enumerate(turns, 1)}
    fields = {"conversation_id": dialogue.id, "meta_instruction": meta, "num_turns": len(turns), "chat": chat}
    if isinstance(category := dialogue.seed.extra.get("category"), str):
        fields["category"] = category
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def _turns(id: str, messages: Sequence[Message]) -> list[list[Message]]:
    turns: list[list[Message]] = []
    for place, message in enumerate(messages, 1):
        if message.role == "user":
            turns.append([])
        if message.role == "system" or not turns:
            raise ValueError(f"{id}: message {place} is the {message.role}'s; moss wants a user's turn there")
        turns[-1].append(message)
    return turns


def _written(id: str, turn: Sequence[Message]) -> dict[str, str]:
    """The parts of one turn: user; or user, answer; or user, command, result, answer."""
    roles = tuple(message.role for message in turn)
    call = turn[1] if roles[1:3] == ("assistant", "tool") and turn[1].tool_calls and not turn[1].content else None
    answers = turn[3:] if call else turn[1:]
    if len(answers) > 1 or any(one.role != "assistant" or one.tool_calls for one in answers):
        raise ValueError(f"{id}: a turn of {', '.join(roles)}; moss holds one command and one answer in a turn")
    thinker = call or next(iter(answers), None)
    thoughts = thinker.thoughts if thinker else None
    parts = {
        "Human": turn[0].content,
        "Inner Thoughts": thoughts or _NOTHING,
        "Commands": _command(call) if call else _NOTHING,
        "Tool Responses": turn[2].content if call else _NOTHING,
    }
    if answers:
        parts["MOSS"] = answers[0].content
    if any(_TOKEN.search(text) for text in parts.values()):
        raise ValueError(f"{id}: a message holds a control token of the format")
    return {name: f"{_PARTS[name][0]}{text}{_PARTS[name][1]}" for name, text in parts.items()}


def _command(call: Message) -> str:
    made = [
        one["raw"] if isinstance(one, dict) and isinstance(one.get("raw"), str) else orjson.dumps(one).decode()
        for one in call.tool_calls or ()
    ]
    return ", ".join(map(str, made))


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    lost = ["usage and other metadata, seed but its category"]
    calls = [call for message in dialogue.messages for call in message.tool_calls or ()]
    if any(len(message.tool_calls or ()) > 1 for message in dialogue.messages):
        lost.append("where one tool call of a turn ends and the next begins")
    if not all(isinstance(call, dict) and isinstance(call.get("raw"), str) for call in calls):
        lost.append("the parts of a tool call: it becomes a text")
    if any(answer.thoughts and before.role == "tool" for before, answer in pairwise(dialogue.messages)):
        lost.append("thoughts between a tool's result and the answer")
    if any(message.role == "user" and message.thoughts for message in dialogue.messages):
        lost.append("thoughts of a user")
    return [*lost, *weights_of(dialogue)]
