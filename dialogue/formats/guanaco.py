"""`guanaco`: {"instruction": "User:q\\nAssistant:a", "input": "User:q2", "output": "a2"}, a history in one text."""

from collections.abc import Mapping
from typing import Any

import orjson

from dialogue.fields import exchanges, made, plain_losses, text, turns
from dialogue.histories import begins_history, holds_label, turns_of
from dialogue.records import Dialogue

suffix = ".json"
about = "instruction with User: and Assistant: turns, input, output"

_LABEL = "User"


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format: with a history; a row without one is Alpaca's."""
    instruction = fields.get("instruction")
    found = "output" in fields and begins_history(instruction)
    return found and isinstance(instruction, str) and instruction.lstrip().startswith(_LABEL)


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue: history, input, output. ValueError where turns do not alternate or one is empty."""
    history = text(fields, "instruction")
    last = text(fields, "input", "").strip().removeprefix(f"{_LABEL}:").strip()
    found = turns_of(history, _LABEL)
    if found and not found[-1] and len(found) % 2 == 0:  # an open `Assistant:` at the end
        found = found[:-1]
    if last and len(found) % 2:
        raise ValueError("input: the history ends with a question of its own")
    found = [*found, *([last] if last else []), text(fields, "output").strip()]
    if len(found) % 2 or not all(found):
        raise ValueError("a turn is empty or missing: expected answered questions, the last in `input`")
    return made(turns(*found), fields, ("instruction", "input", "output"))


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a line. ValueError where it has one exchange, as Alpaca's have, or a turn would not come back."""
    *earlier, (user, assistant) = exchanges(dialogue, "guanaco")
    if not earlier:
        raise ValueError("one exchange; guanaco's history holds earlier ones (alpaca is for single ones)")
    for one in (*earlier, (user, assistant)):
        for said in one:
            if not said.content.strip() or said.content != said.content.strip() or holds_label(said.content, _LABEL):
                raise ValueError("a turn is empty, begins or ends with space, or holds a label; it would not come back")
    history = "\n".join(f"User:{one.user.content}\nAssistant:{one.assistant.content}" for one in earlier)
    fields = {"id": dialogue.id, "instruction": history, "input": f"User:{user.content}", "output": assistant.content}
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    return plain_losses(dialogue)
