"""`dolly`: {"instruction", "context", "response", "category"}, one exchange."""

from collections.abc import Mapping
from typing import Any

import orjson

from dialogue.fields import made, one_exchange, plain_losses, said, text, turns
from dialogue.records import Dialogue

suffix = ".jsonl"
about = "instruction, context, response"


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    return "instruction" in fields and "response" in fields and not {"completions", "input"} & set(fields)


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue in an object; a context stands below its instruction. ValueError where there is none."""
    instruction, context = said(fields, "instruction"), text(fields, "context", "")
    question = f"{instruction}\n\n{context}" if context.strip() else instruction
    used = ("instruction", "context", "response", "category")
    kind = fields.get("category")
    material = context if context.strip() else None
    found = turns(question, said(fields, "response"))
    return made(found, fields, used, kind=kind if isinstance(kind, str) else None, material=material)


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a line. ValueError where it has more than one exchange."""
    user, assistant = one_exchange(dialogue, "dolly")
    question, context = user.content, dialogue.seed.material or ""
    if context.strip() and question.removesuffix(below := f"\n\n{context}").strip() and question.endswith(below):
        question = question.removesuffix(below)
    else:
        context = ""
    fields = {"id": dialogue.id, "instruction": question, "context": context, "response": assistant.content}
    return orjson.dumps(
        fields | ({"category": dialogue.seed.kind} if dialogue.seed.kind else {}), option=orjson.OPT_APPEND_NEWLINE
    )


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    return plain_losses(dialogue)
