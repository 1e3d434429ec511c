"""`mt_bench_101`: {"task", "id", "history": [{"user": ..., "bot": ...}, ...]}."""

from collections.abc import Mapping
from typing import Any

import orjson

from dialogue.fields import exchanges, made, plain_losses, said, turns
from dialogue.records import Dialogue

suffix = ".jsonl"
about = "history with user and bot"


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    history = fields.get("history")
    return isinstance(history, list) and "instruction" not in fields and "conversations" not in fields


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue in an object; ValueError where there is none."""
    history = fields.get("history")
    if not isinstance(history, list) or not history or not all(isinstance(one, dict) for one in history):
        raise ValueError("history: expected a list of {user, bot} that is not empty")
    contents = [said(one, name) for one in history for name in ("user", "bot")]
    kind = fields.get("task")
    return made(turns(*contents), fields, ("history", "task"), kind=kind if isinstance(kind, str) else None)


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a line. ValueError where turns do not alternate."""
    found = exchanges(dialogue, "mt_bench_101")
    history = [{"user": one.user.content, "bot": one.assistant.content} for one in found]
    fields = {"task": dialogue.seed.kind, "id": dialogue.id, "history": history}
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    return plain_losses(dialogue)
