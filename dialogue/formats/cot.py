"""`cot`: {"question", "rationale", "answer"}, the steps apart from what they lead to; they become the turn's thoughts.

A chain of thought within an Alpaca triple's output is `alpaca`. CoT-Collection's {"source", "rationale", "target"} is
read as well.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from dialogue.fields import made, one_exchange, plain_losses, said, turns
from dialogue.records import Dialogue

suffix = ".jsonl"
about = "question, rationale, answer"


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    return "rationale" in fields and ("answer" in fields or "target" in fields)


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue in an object; ValueError where there is none."""
    asked, told = ("question", "answer") if "question" in fields else ("source", "target")
    user, assistant = turns(said(fields, asked), said(fields, told))
    thoughts = said(fields, "rationale")
    return made([user, assistant.model_copy(update={"thoughts": thoughts})], fields, (asked, told, "rationale"))


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a line. ValueError where it has more than one exchange, or an answer without thoughts."""
    user, assistant = one_exchange(dialogue, "cot")
    if not (assistant.thoughts or "").strip():
        raise ValueError("the answer has no thoughts; cot holds a rationale")
    fields = {"id": dialogue.id, "question": user.content, "rationale": assistant.thoughts, "answer": assistant.content}
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    return [lost for lost in plain_losses(dialogue) if lost != "thoughts"]
