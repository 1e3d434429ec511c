"""Leaks of benchmark items in dialogues: a hit names the message, the item, the rules and the words that both have."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from dialogue.records import Dialogue
from filters.kernels.tokens import Tokens, tokens
from filters.leaks.index import Index
from filters.leaks.match import Matches, matches
from filters.leaks.parts import KINDS
from filters.leaks.rules import Tier
from filters.leaks.wording import hashed

_CHUNK = 1024
"""Dialogues looked at at once: each chunk brings the index into the cache anew, and what one step writes shall still be
there for the next."""
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
    weighed = any(rule.kind == "containment" for rule in index.rules)
    for start in range(0, len(dialogues), _CHUNK):
        part = dialogues[start : start + _CHUNK]
        texts = [message.content for one in part for message in one.messages]
        asked = np.zeros(len(texts), np.bool_)
        if weighed:
            asked[:] = [message.role in _WEIGHED_ROLES for one in part for message in one.messages]
        first = [0, *accumulate(len(one.messages) for one in part)]
        for text, hit in _hits(index, texts, matches(index, texts, hashed(texts), asked), first):
            hits[start + bisect_right(first, text) - 1].append(hit)
    return hits


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
