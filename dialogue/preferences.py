"""Answers that were compared: all candidates stay in the record, the best of them is what the assistant says."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import isnan
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
    if isinstance(value, str):  # tables hold texts
        with suppress(ValueError):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name}: {kind_of(value)}, expected a number")
    return None if isnan(value) else value


def others(fields: Mapping[str, Any], used: Sequence[str]) -> Candidate:
    """What else is said of an answer, as part of a candidate; what bears a name of ours gets an underscore."""
    left = {name: value for name, value in fields.items() if name not in used}
    return {f"_{name}" if name in ("content", "score") else name: value for name, value in left.items()}


def theirs(candidate: Candidate) -> dict[str, Any]:
    """`others` back from a candidate."""
    left = {name: value for name, value in candidate.items() if name not in ("content", "score")}
    return {name[1:] if name in ("_content", "_score") else name: value for name, value in left.items()}


def choice(answers: Sequence[Candidate], **more: Any) -> Message:
    """The assistant's turn with all candidates: the first of the best scored; the first of all without scores."""
    scored = [one for one in answers if _number(one) is not None]
    chosen: Candidate = max(scored, key=lambda one: float(one["score"])) if scored else answers[0]
    kept = [{name: value for name, value in one.items() if value is not None} for one in answers]
    return Message(role="assistant", content=chosen["content"], candidates=list(kept), **more)


def compared(dialogue: Dialogue) -> list[Dialogue]:
    """The dialogue up to each turn that has candidates; the last turn ends it under its own id, with candidates or not.

    An earlier one bears the number of its round as well.
    """
    found, rounds = [], 0
    for place, message in enumerate(dialogue.messages[:-1], 1):
        rounds += message.role == "user"
        if message.role == "assistant" and message.candidates:
            part = {"id": f"{dialogue.id}-{rounds}", "messages": dialogue.messages[:place]}
            found.append(dialogue.model_copy(update=part))
    return [*found, dialogue]


def best(dialogue: Dialogue) -> Candidate | None:
    """The candidate that the last turn says; None where none of them is."""
    said = dialogue.messages[-1].content
    return next((one for one in candidates(dialogue, "", 0) if one["content"] == said), None)


def worst(dialogue: Dialogue) -> Candidate:
    """The candidate of the lowest score, the last of the others without scores. ValueError where all say the same."""
    said = dialogue.messages[-1].content
    answers = candidates(dialogue, "a pair")
    rivals = [one for one in answers if one["content"] != said]
    if not rivals:
        raise ValueError("all candidates say the same")
    scores = {_number(one) for one in answers}
    if len(scores) == 1 and scores != {None}:
        raise ValueError("all candidates have the same score; a pair tells the better from the worse")
    scored = [one for one in rivals if _number(one) is not None]
    return min(scored, key=lambda one: float(one["score"])) if scored else rivals[-1]


def _number(candidate: Candidate) -> float | None:
    score = candidate.get("score")
    return score if isinstance(score, int | float) and not isinstance(score, bool) and not isnan(score) else None
