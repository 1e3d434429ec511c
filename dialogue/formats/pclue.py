"""`pclue`: {"input": question with its options, "target": answer, "answer_choices", "type"}, one exchange."""

from collections.abc import Mapping
from typing import Any

import orjson

from dialogue.fields import made, one_exchange, plain_losses, said, turns
from dialogue.records import Dialogue

suffix = ".json"
about = "input, target or output"


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    answered = "target" in fields or "output" in fields
    return "input" in fields and answered and "instruction" not in fields and "kind" not in fields


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue in an object; ValueError where there is none."""
    kind = fields.get("type")
    answer = "target" if "target" in fields else "output"
    found = turns(said(fields, "input"), said(fields, answer))
    return made(found, fields, ("input", answer, "type"), kind=kind if isinstance(kind, str) else None)


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a line. ValueError where it has more than one exchange."""
    user, assistant = one_exchange(dialogue, "pclue")
    fields: dict[str, Any] = {"id": dialogue.id, "input": user.content, "target": assistant.content}
    choices = dialogue.seed.extra.get("answer_choices")
    fields |= {"type": dialogue.seed.kind} if dialogue.seed.kind else {}
    fields |= {"answer_choices": choices} if choices is not None else {}
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    return plain_losses(dialogue)
