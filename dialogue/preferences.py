"""Answers that were compared: all candidates stay in the record, the best of them is what the assistant says."""

from collections.abc import Mapping, Sequence
from typing import Any

from dialogue.fields import candidates
from dialogue.jsonl import kind_of
from dialogue.records import Dialogue, Message

Candidate = dict[str, Any]
"""`content`, where it is known `score`, and whatever else was said of it."""


def score_of(fields: Mapping[str, Any], name: str) -> float | None:
    """The number in a field; None where it is missing or null. ValueError where it is something else."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name}: {kind_of(value)}, expected a number")
    return value


def choice(answers: Sequence[Candidate], **more: Any) -> Message:
    """The assistant's turn with all candidates: the first of the best scored; the first of all without scores."""
    scored = [one for one in answers if one.get("score") is not None]
    chosen = max(scored, key=lambda one: float(one["score"])) if scored else answers[0]
    kept = [{name: value for name, value in one.items() if value is not None} for one in answers]
    return Message(role="assistant", content=chosen["content"], candidates=list(kept), **more)


def best(dialogue: Dialogue) -> Candidate | None:
    """The candidate that the last turn says; None where none of them is."""
    said = dialogue.messages[-1].content
    return next((one for one in candidates(dialogue, "", 0) if one["content"] == said), None)


def worst(dialogue: Dialogue) -> Candidate:
    """The candidate of the lowest score, the last of the others without scores. ValueError where all say the same."""
    said = dialogue.messages[-1].content
    others = [one for one in candidates(dialogue, "a pair") if one["content"] != said]
    if not others:
        raise ValueError("all candidates say the same")
    scored = [one for one in others if one.get("score") is not None]
    return min(scored, key=lambda one: float(one["score"])) if scored else others[-1]
