"""`ultrafeedback`: {"source", "instruction", "completions": [{"model", "response", "overall_score", ...}]}."""

from collections.abc import Mapping
from typing import Any

import orjson

from dialogue.fields import candidates, made, one_exchange, plain_losses, said, turns
from dialogue.preferences import choice, others, score_of, theirs
from dialogue.records import Dialogue

suffix = ".jsonl"
about = "instruction, completions"


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    return "instruction" in fields and isinstance(fields.get("completions"), list)


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The instruction with all completions as candidates, the best scored one as the answer, all else kept."""
    completions = fields.get("completions")
    if not isinstance(completions, list) or not completions or not all(isinstance(one, dict) for one in completions):
        raise ValueError("completions: expected a list of objects that is not empty")
    found = []
    for one in completions:
        more = others(one, ("response", "overall_score"))
        found.append({"content": said(one, "response"), "score": score_of(one, "overall_score"), **more})
    (user,) = turns(said(fields, "instruction"))
    topic = fields.get("source")
    used = ("instruction", "completions", "models", "source")
    return made([user, choice(found)], fields, used, topic=topic if isinstance(topic, str) else None)


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a line. ValueError where it has more than one exchange, or no candidates."""
    user, _ = one_exchange(dialogue, "ultrafeedback", "chosen_rejected")
    completions = []
    for one in candidates(dialogue, "ultrafeedback", 1):
        more = theirs(one)
        scored = {"overall_score": one["score"]} if one.get("score") is not None else {}
        completions.append({**more, "response": one["content"], **scored})
    fields = {
        "id": dialogue.id,
        "source": dialogue.seed.topic,
        "instruction": user.content,
        "models": [one.get("model") for one in completions],
        "completions": completions,
    }
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    return plain_losses(dialogue, candidates=True)
