"""What a model is asked, and how its reply is read: strictly, once; what cannot be read is no answer."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dialogue.chance import hex64
from dialogue.likeness import words
from filters.leaks.benchmark import Item
from prompts.loader import Prompts

RoleName = Literal["judge", "rephrase"]
Answer = dict[str, str | None]
"""Fields of the answer's line in its file."""

MOST_ITEM, MOST_TEXT = 12_000, 12_000
"""Characters of an item and of a message that a judge is shown."""
MOST_REASON = 500
_FENCED = re.compile(r"```(?:json)?\s*\n(.*)\n\s*```", re.DOTALL)

VERDICT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string"},
        "verdict": {"type": "string", "enum": ["leak", "not_leak"]},
    },
    "required": ["reason", "verdict"],
    "additionalProperties": False,
}
"""The reason stands first: a model that says it before the verdict has weighed it."""


@dataclass(frozen=True)
class Kind:
    """One sort of question."""

    role: RoleName
    file: str
    """Its answers' file."""
    field: str
    """Says of an answer what it is; of a reply that is none, "unreadable" or "failed"."""
    read: Callable[[str, "Question"], Answer | None]
    again: str
    """What is said after a reply that could not be read."""
    template: str
    """Name of the prompt's file."""
    hash: str
    """Of that file."""
    schema: dict[str, Any] | None = None


@dataclass(frozen=True)
class Question:
    """One question."""

    kind: Kind
    key: str
    """Of the prompt and the model: an equal question has been answered already."""
    prompt: str
    about: Mapping[str, str | int]
    """What its line says of it."""
    source: str
    """The text that it asks about."""


def judge(prompts: Prompts) -> Kind:
    """Whether a message gives an item away."""
    again, template = prompts.render("judging/again.j2"), "judging/contamination.j2"
    prompts.read(template)
    return Kind("judge", "verdicts.jsonl", "verdict", verdict, again, template, prompts.used[template], VERDICT_SCHEMA)


def rephraser(prompts: Prompts) -> Kind:
    """An item's question in other words."""
    template = "judging/rephrase.j2"
    prompts.read(template)
    again = prompts.render("judging/rephrase_again.j2")
    return Kind("rephrase", "rephrased.jsonl", "outcome", rewording, again, template, prompts.used[template])


def verdict_question(
    kind: Kind, prompts: Prompts, model: str | None, item: Item, text: str, about: Mapping[str, str | int]
) -> Question:
    """Does this text, a message or the part of it around the span, give this item away?"""
    question = [clipped(part, MOST_ITEM) for part in item.question]
    prompt = prompts.render(
        kind.template,
        question=question,
        answer=[clipped(part, MOST_ITEM) for part in item.answer],
        passage=item.passage and clipped(item.passage, MOST_ITEM),
        text=text,
        mark=_mark(*question, text),
    )
    return Question(kind, hex64(kind.role, prompt, model), prompt, about, text)


def rewording_question(kind: Kind, prompts: Prompts, model: str | None, item: Item, text: str) -> Question:
    """How would somebody write this text of the item who hides that it is the item?"""
    prompt = prompts.render(kind.template, question=text, mark=_mark(text))
    about = {"benchmark": item.benchmark, "item": item.id}
    return Question(kind, hex64(kind.role, prompt, model), prompt, about, text)


def _mark(*texts: str) -> str:
    """A code that cannot stand in the texts but by an accident of 1 in 2**32, since it is made of them."""
    return hex64(*texts)[:8]


def clipped(text: str, most: int) -> str:
    """The text, or its beginning and end with a note between them."""
    if len(text) <= most:
        return text
    return f"{text[: most * 2 // 3]}\n[... {len(text) - most:,} characters left out ...]\n{text[-(most // 3) :]}"


def verdict(content: str, question: Question) -> Answer | None:
    """Verdict and reason in a reply: a JSON object, with or without a fence, or the bare word; None for all else."""
    said = content.strip()
    if said.casefold() in ("leak", "not_leak"):
        return {"verdict": said.casefold(), "reason": None}
    fenced = _FENCED.fullmatch(said)
    try:
        found = json.loads(fenced[1] if fenced else said, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    word, reason = (found.get("verdict"), found.get("reason")) if isinstance(found, dict) else (None, None)
    if not isinstance(word, str) or word.strip().casefold() not in ("leak", "not_leak"):
        return None
    return {
        "verdict": word.strip().casefold(),
        "reason": reason[:MOST_REASON] if isinstance(reason, str) else None,
    }


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The object; ValueError where a key stands in it twice, since one of the two was not meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def rewording(content: str, question: Question) -> Answer | None:
    """The text of a reply; None where it has the same words, or is far too short or too long to be the same task."""
    said, before = words(content), words(question.source)
    if said == before or not len(before) / 4 <= len(said) <= 4 * len(before) + 20:
        return None
    if _mark(question.source) in content:  # the marker lines were copied as well
        return None
    return {"outcome": "rephrased", "text": content.strip()}
