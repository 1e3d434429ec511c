"""Seams: line breaks between words and a literal stand with the words, so that both are encoded as in a running text.

Byte-level vocabularies of these years (GPT-4's, Llama 3's, Qwen's) have tokens such as a full stop with two line
breaks. Where a template ends a user's words with line breaks alone (Alpaca, BELLE, OLMo 2), such words would otherwise
be encoded in another way than transformers, and every server, encode the exported template.

Two seams stay as they are: the one before an answer, so that the generation prompt is a token prefix of the training
text, and the one behind it, so that nothing is learned that is not of the answer. For a model of the user's side it is
the same with the user's words. Beyond that, what is moved depends on kinds alone, never on what is learned.
"""

import re
from collections.abc import Callable, Sequence

from trainer.text.segments import Segment

ANSWERS = frozenset({"assistant"})
BEHIND = re.compile(r"\s*[\r\n]+")
"""At a literal's beginning: goes with the words before it."""
BEFORE = re.compile(r" ?[^\s\w]*\s*[\r\n]+$")
"""At a literal's end: goes with words that begin with a line break, and so does punctuation before it."""
BROKEN = re.compile(r"\s*[\r\n]")
"""Words that begin with a line break."""


def seamed(
    row: Sequence[Segment],
    kinds: Sequence[str],
    never: frozenset[str],
    tail: Callable[[str], str],
    apart: frozenset[str] = ANSWERS,
) -> list[Segment]:
    """The row with line breaks moved into words.

    `kinds`: of the messages; of those in `never` the words are not learned where their marks may be. `tail`: what
    stands in a literal behind its last control token. `apart`: kinds of which these two seams stay as they are.
    """
    tight: list[Segment] = []
    for segment in row:
        last = tight[-1] if tight else None
        breaks = BEHIND.match(segment.text) if segment.literal and last is not None and not last.literal else None
        if breaks and last is not None and _one(last, segment, kinds, never, apart):
            tight[-1] = last._replace(text=last.text + breaks[0])
            segment = segment._replace(text=segment.text[breaks.end() :])
        tight.append(segment)
    return [segment for segment in _fronts(tight, kinds, never, tail, apart) if segment.text or not segment.literal]


def _fronts(
    row: list[Segment],
    kinds: Sequence[str],
    never: frozenset[str],
    tail: Callable[[str], str],
    apart: frozenset[str],
) -> list[Segment]:
    """The row, in place, with the line breaks before words that begin with one moved into them."""
    for number in range(1, len(row)):
        last, words = row[number - 1], row[number]
        broken = last.literal and not words.literal and BROKEN.match(words.text)
        if broken and _one(last, words, kinds, never, apart):
            breaks = BEFORE.search(tail(last.text))
            before = breaks[0] if breaks else ""
            row[number - 1] = last._replace(text=last.text.removesuffix(before))
            row[number] = words._replace(text=before + words.text)
    return row


def _one(first: Segment, second: Segment, kinds: Sequence[str], never: frozenset[str], apart: frozenset[str]) -> bool:
    """Whether the two, words and a literal, may be encoded as one text."""
    kind = kinds[(second if first.literal else first).place // 2]
    return kind not in never and (kind not in apart or first.place == second.place)
