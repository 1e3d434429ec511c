"""`belle`, the multi-turn layout: {"instruction": "Human:q\\nAssistant:a\\nHuman:q2\\nAssistant:", "output": "a2"}.

A dialogue of k answers is k rows, each with the whole history before it. Read as they are, its beginnings would count
as dialogues of their own, and as near copies of one another: so `shorter` names those that a longer row holds.
BELLE's other shapes are `alpaca` (0.5M, 1M, school math), `sharegpt` (3.5M) and `belle_chat` (generated chat).
"""

from collections.abc import Mapping
from typing import Any

import orjson

from dialogue.fields import exchanges, made, plain_losses, text, turns
from dialogue.histories import begins_history, holds_label, turns_of
from dialogue.records import Dialogue

suffix = ".json"
about = "instruction with Human: and Assistant: turns, output"
folds = True
"""Rows that are the beginning of a longer one are part of it."""

_LABEL = "Human"


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    instruction = fields.get("instruction")
    found = "output" in fields and begins_history(instruction)
    return found and isinstance(instruction, str) and instruction.lstrip().startswith(_LABEL)


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue of a row, its output as the last answer. ValueError where turns do not alternate."""
    found = turns_of(text(fields, "instruction"), _LABEL)
    if not found or len(found) % 2 or found[-1]:
        raise ValueError("instruction: expected to end with an open `Assistant:`")
    output = text(fields, "output").strip()
    if not all([*found[:-1], output]):
        raise ValueError("a turn is empty")
    if text(fields, "input", "").strip():
        raise ValueError("input: expected to be empty beside a history")
    return made(turns(*found[:-1], output), fields, ("instruction", "input", "output"))


def to_line(dialogue: Dialogue) -> bytes:
    """A line for each answer. ValueError where turns do not alternate, are empty or hold a label of the format."""
    history, lines = "", []
    for place, (user, assistant) in enumerate(exchanges(dialogue, "belle"), 1):
        for said in (user.content, assistant.content):
            if not said.strip():
                raise ValueError(f"exchange {place}: a turn is empty")
            if said != said.strip() or holds_label(said, _LABEL):
                raise ValueError(
                    f"exchange {place}: a turn begins or ends with space, or holds a label; it would not come back"
                )
        history += f"Human:{user.content}\nAssistant:"
        fields = {"id": dialogue.id, "instruction": history, "input": "", "output": assistant.content}
        lines.append(orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE))
        history += f"{assistant.content}\n"
    return b"".join(lines)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    return plain_losses(dialogue)
