"""Leaks of benchmark items in dialogues: a hit names the message, the item, the rules and the words that both have."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dialogue.records import Dialogue
from filters.kernels.tokens import Tokens, tokens
from filters.leaks.hashing import hashed
from filters.leaks.index import Index
from filters.leaks.match import Matches, matches
from filters.leaks.parts import KINDS
from filters.leaks.rules import Tier

_CHUNK = 1 << 20
"""Characters looked at at once: memory does not grow with the number of dialogues."""
_WEIGHED_ROLES = ("user", "assistant")
"""Roles whose messages are compared by words: a system message or a tool's answer is no rewritten question."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One message that looks like one item."""

    benchmark: str
    item: str
    tier: Tier
    rule: str
    """The first rule that fired, certain ones first."""
    rules: tuple[str, ...]
    """All that fired."""
    part: str
    """question, answer or passage."""
    message: int
    """Index in dialogue.messages."""
    span: tuple[int, int]
    """Characters of that message from and to: the longest run of words that both have."""
    span_words: int
    coverage: float
    """Share of the part's words that lie in 5-grams that both have."""
    containment: float
    """idf-weighted share of the part's distinct words that stand close together in the message."""


def scan(index: Index, dialogues: Sequence[Dialogue]) -> list[list[Hit]]:
    """The hits of each dialogue, best first: certain ones, then by the weight of the words in common.

    At most one hit for each benchmark and overlapping span. Thoughts are not looked at.
    """
    hits: list[list[Hit]] = [[] for _ in dialogues]
    for start, stop in _chunks(dialogues):
        places = [(number, place) for number in range(start, stop) for place in range(len(dialogues[number].messages))]
        messages = [dialogues[number].messages[place] for number, place in places]
        texts = [message.content for message in messages]
        asked = np.array([message.role in _WEIGHED_ROLES for message in messages], np.bool_)
        found = matches(index, texts, hashed(tokens(texts)), asked)
        if not len(found.pairs):
            continue
        for hit_text, hit in _hits(index, texts, found, [place for _, place in places]):
            hits[places[hit_text][0]].append(hit)
    return hits


def _chunks(dialogues: Sequence[Dialogue]) -> Iterator[tuple[int, int]]:
    start, held = 0, 0
    for number, dialogue in enumerate(dialogues, 1):
        held += sum(len(message.content) for message in dialogue.messages)
        if held >= _CHUNK or number == len(dialogues):
            yield start, number
            start, held = number, 0


def _hits(index: Index, texts: Sequence[str], found: Matches, places: Sequence[int]) -> Iterator[tuple[int, Hit]]:
    distinct = np.unique(found.pairs[:, 0])
    at = tokens([texts[text] for text in distinct], chars=True)
    for number, (text, part) in enumerate(found.pairs.tolist()):
        item = index.items[index.parts.item[part]]
        fired = [rule for rule, on in zip(index.rules, found.fired[number], strict=True) if on]
        first, words = found.longest[number].tolist()
        yield (
            text,
            Hit(
                item.benchmark,
                item.id,
                fired[0].tier,
                fired[0].name,
                tuple(rule.name for rule in fired),
                KINDS[index.parts.kind[part]],
                places[text],
                _span(at, int(at.first[np.searchsorted(distinct, text)]) + first, words),
                words,
                round(float(found.coverage[number]), 4),
                round(float(found.containment[number]), 4),
            ),
        )


def _span(at: Tokens, first: int, words: int) -> tuple[int, int]:
    """The characters of these words."""
    if not words:
        return 0, 0
    last = first + words - 1
    ending = at.data[at.starts[last] : at.ends[last]].tobytes().decode("utf-8", "surrogatepass")
    return int(at.chars[first]), int(at.chars[last]) + len(ending)
