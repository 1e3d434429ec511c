"""`alpaca`: {"instruction", "input", "output"}, and LLaMA-Factory's `history` of earlier exchanges and `system`.

An instruction that is itself a history of `Human:` or `User:` turns is BELLE's or Guanaco's, and is not taken here.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from dialogue.fields import exchanges, made, plain_losses, said, system_of, text, turns
from dialogue.histories import begins_history
from dialogue.records import Dialogue

suffix = ".json"
about = "instruction, input, output"


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format, and is no history."""
    instruction = fields.get("instruction")
    answered = "output" in fields or ("input" in fields and "response" in fields)
    return instruction is not None and answered and "conversations" not in fields and not begins_history(instruction)


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue in an object; an input stands below its instruction. ValueError where there is none."""
    instruction, more = said(fields, "instruction"), text(fields, "input", "")
    question = f"{instruction}\n\n{more}" if more.strip() else instruction
    told = "output" if "output" in fields else "response"
    answer = said(fields, told)
    earlier = _history(fields.get("history"))
    keep = {"extra": {"input": more}} if more.strip() else {}
    return made(turns(*earlier, question, answer), fields, ("instruction", "input", told, "history"), **keep)


def _history(value: object) -> list[str]:
    found: list[str] = []
    for pair in value if isinstance(value, list) else [] if value is None else [value]:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(one, str) for one in pair):
            raise ValueError("history: expected a list of [question, answer]")
        found += pair
    return found


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a line, its last exchange as the instruction. ValueError where turns do not alternate."""
    *earlier, (user, assistant) = exchanges(dialogue, "alpaca")
    question, more = user.content, dialogue.seed.extra.get("input", "")
    if isinstance(more, str) and more.strip() and question.endswith(f"\n\n{more}") and question[: -len(more)].strip():
        question = question.removesuffix(f"\n\n{more}")
    else:
        more = ""
    if begins_history(question):
        raise ValueError("the question begins like a history of turns, as which it would be read back")
    fields: dict[str, Any] = {"id": dialogue.id, "instruction": question, "input": more, "output": assistant.content}
    if earlier:
        fields["history"] = [[one.user.content, one.assistant.content] for one in earlier]
    if system_of(dialogue):
        fields["system"] = system_of(dialogue)
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    return plain_losses(dialogue, system=True)
