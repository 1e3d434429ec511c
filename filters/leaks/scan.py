"""Leaks of benchmark items in dialogues: a hit names the message, the item, the rules and the words that both have."""

from bisect import bisect_right
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
    for texts, asked, first, start in _chunks(dialogues):
        found = matches(index, texts, hashed(tokens(texts)), np.array(asked, np.bool_))
        for text, hit in _hits(index, texts, found, first):
            hits[start + bisect_right(first, text) - 1].append(hit)
    return hits


def _chunks(dialogues: Sequence[Dialogue]) -> Iterator[tuple[list[str], list[bool], list[int], int]]:
    """Messages of some dialogues, which are weighed, where each dialogue's begin, and the number of the first one."""
    texts: list[str] = []
    asked: list[bool] = []
    first: list[int] = []
    start, held = 0, 0
    for number, dialogue in enumerate(dialogues, 1):
        first.append(len(texts))
        for message in dialogue.messages:
            content = message.content
            texts.append(content)
            asked.append(message.role in _WEIGHED_ROLES)
            held += len(content)
        if held >= _CHUNK or number == len(dialogues):
            yield texts, asked, first, start
            texts, asked, first, start, held = [], [], [], number, 0


def _hits(index: Index, texts: Sequence[str], found: Matches, first: Sequence[int]) -> Iterator[tuple[int, Hit]]:
    """Texts by their numbers and hits on them; dialogue i's texts start at first[i]."""
    if not len(found.pairs):
        return
    distinct = np.unique(found.pairs[:, 0])
    at = tokens([texts[text] for text in distinct], chars=True)
    for number, (text, part) in enumerate(found.pairs.tolist()):
        item = index.items[index.parts.item[part]]
        fired = [rule for rule, on in zip(index.rules, found.fired[number], strict=True) if on]
        begin, words = found.longest[number].tolist()
        yield (
            text,
            Hit(
                item.benchmark,
                item.id,
                fired[0].tier,
                fired[0].name,
                tuple(rule.name for rule in fired),
                KINDS[index.parts.kind[part]],
                text - first[bisect_right(first, text) - 1],
                _span(at, int(at.first[np.searchsorted(distinct, text)]) + begin, words),
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
