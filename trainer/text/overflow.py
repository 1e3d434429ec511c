"""Overflow: a dialogue longer than `max_length` as pieces that fit, cut between rounds; no round is lost.

A system message is repeated in each piece. A round that is too long even alone keeps its answer: the user's words lose
their front first, the longest before others, then those of tools and of the system; an answer that does not fit by
itself loses its end, and then teaches no end token. All of it is counted. (The splitter of UltraChat and FastChat
loses the final round where that is the one that overflows.)
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dialogue.errors import UsageError
from dialogue.records import Dialogue
from trainer.settings import TrainSettings
from trainer.text.example import Example
from trainer.text.masks import Rounds, rounds
from trainer.text.render import Renderer


class Pieces(NamedTuple):
    """Examples of one dialogue, each within the limit."""

    examples: list[Example]
    cut: int = 0
    """Rounds that lost tokens."""
    dropped: int = 0
    """Tokens lost."""
    repeated: int = 0
    """Tokens that stand in more than one example."""


def pieces(dialogue: Dialogue, whole: Example, renderer: Renderer, settings: TrainSettings) -> Pieces:
    """The dialogue, rendered as `whole`, as pieces; UsageError where `overflow` is `refuse` and it does not fit."""
    if len(whole.input_ids) <= settings.max_length:
        return Pieces([whole])
    refuse_if_asked(dialogue, whole, settings)
    parts = _greedy(dialogue, renderer, settings.max_length)
    examples = renderer.encode_many(parts)
    made = [cut_to(settings.max_length, *pair, renderer) for pair in zip(parts, examples, strict=True)]
    dropped = sum(len(a.input_ids) - len(b.input_ids) for a, b in zip(examples, made, strict=True))
    cut = sum(len(example.input_ids) > settings.max_length for example in examples)
    more = sum(len(example.input_ids) for example in examples) - len(whole.input_ids)  # a template's own words too
    return Pieces(made, cut, dropped + max(0, -more), max(0, more))


def refuse_if_asked(dialogue: Dialogue, example: Example, settings: TrainSettings) -> None:
    """UsageError for an example beyond the limit, where that is what the settings ask for."""
    if settings.overflow == "refuse" and len(example.input_ids) > settings.max_length:
        raise UsageError(
            f"dialogue {dialogue.id}: {len(example.input_ids):,} tokens, max_length = {settings.max_length:,}; "
            "raise it, or choose overflow = split"
        )


def part(dialogue: Dialogue, spans: Sequence[Rounds]) -> Dialogue:
    """Some neighbouring rounds of the dialogue behind its system message."""
    messages = dialogue.messages
    system = messages[:1] if messages[0].role == "system" else ()
    return dialogue.model_copy(update={"messages": (*system, *messages[spans[0].start : spans[-1].end])})


def cut_to(limit: int, dialogue: Dialogue, example: Example, renderer: Renderer) -> Example:
    """The example within the limit: without the front of words that can be spared, then without its end."""
    excess = len(example.input_ids) - limit
    if excess <= 0:
        return example
    stays = np.ones(len(example.input_ids), bool)
    for start, end in renderer.spare_words(dialogue):
        gone = min(excess, end - start)
        stays[start : start + gone] = False
        excess -= gone
    kept = np.flatnonzero(stays)[:limit]
    return example._replace(
        input_ids=example.input_ids[kept], labels=example.labels[kept], weights=example.weights[kept]
    )


def _greedy(dialogue: Dialogue, renderer: Renderer, limit: int) -> list[Dialogue]:
    """As many rounds in each piece as fit, one at the least."""
    spans = rounds(dialogue.messages)
    parts: list[Dialogue] = []
    known: dict[str, int] = {}
    start = 0
    while start < len(spans):
        end = start + 1
        while end < len(spans) and renderer.length(part(dialogue, spans[start : end + 1]), known) <= limit:
            end += 1
        parts.append(part(dialogue, spans[start:end]))
        start = end
    return parts or [dialogue]
