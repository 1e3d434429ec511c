"""Near copies inside one dialogue: a turn that says an earlier one again, by the share of its word 5-grams in it.

Two turns are compared only where a quick look finds four of twelve pieces of the one in the other; else the share is
taken for 0. It overlooks a share of 0.85 once in 60,000 turns, 0.75 once in 1,700, 0.5 once in 12 (binomial). A copy of
what was said more than a hundred turns of the speaker ago is not looked for.
"""

from collections.abc import Mapping, Sequence

from dialogue.likeness import words
from dialogue.records import Dialogue
from filters.engine.base import Limits, Measure
from filters.engine.messages import evidence

_GRAM = 5
_BACK = 100
"""Turns of one speaker that a turn is compared with, the last before it: all earlier ones of thousands took minutes."""
_LEAST_USER, _LEAST_ANSWER = 6, 8
"""Words of a turn that can be a copy, as in dialogue.copies: "Can you say more?" may be said twice."""
_PIECES, _FOUND = 12, 4
_PIECE, _WIDE_PIECE = 24, 8
"""Characters of a piece: three words, and in scripts without spaces six."""


class NearCopy(Limits):
    """The largest share of a turn's word 5-grams that one earlier turn has.

    Reasons and measures: `user_copy` (a user's turn of 6 words and more in an earlier one of the user's), `answer_copy`
    (one of 8 words and more in the answer before it), `assistant_copy` (an answer of 8 words and more in an earlier
    answer). An answer that repeats the user's words is not measured: corrections, extracts and yes-no answers do.

    The limits are tuned on real dialogues (bench/filter_false_positives.py). What lies between 0.5, the share that is
    often named, and 0.8 is nearly all of it right: edited texts printed again, chains of reasoning, clarifications.
    """

    most_user_copy: float | None = 0.85
    """Share of 5-grams, 0 to 1. MT-Bench-101's users change one word on purpose: 0.75 drops 0.6 % of it, 0.85 0.1 %."""
    most_answer_copy: float | None = 0.75
    """Share of 5-grams, 0 to 1. Clarifications ("I'm asking about the longest river in the world") reach 0.67."""
    most_assistant_copy: float | None = 0.85
    """Share of 5-grams, 0 to 1. Edited texts printed again reach 0.79 in 700 UltraChat dialogues."""

    def measure(self, dialogue: Dialogue) -> Mapping[str, Measure]:
        """The largest share of each kind, where the dialogue has two turns to compare."""
        messages = dialogue.messages
        users = [number for number, message in enumerate(messages) if message.role == "user"]
        answers = [number for number, message in enumerate(messages) if message.role == "assistant"]
        if len(users) < 2 and len(answers) < 2:
            return {}
        turns = _Turns([message.content for message in messages])
        before = [(number, [number - 1]) for number in users if number > 0 and messages[number - 1].role == "assistant"]
        found = {
            "user_copy": turns.largest(_with_earlier(users), _LEAST_USER),
            "answer_copy": turns.largest(before, _LEAST_ANSWER),
            "assistant_copy": turns.largest(_with_earlier(answers), _LEAST_ANSWER),
        }
        return {name: measure for name, measure in found.items() if measure is not None}


class _Turns:
    """The texts of a dialogue; their 5-grams are computed for those that are compared."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._low = [text.lower() for text in texts]
        self._grams: dict[int, tuple[frozenset[tuple[str, ...]], int]] = {}
        self._pieces: dict[int, list[str]] = {}

    def largest(self, candidates: Sequence[tuple[int, Sequence[int]]], least_words: int) -> Measure | None:
        """The largest share of a turn's 5-grams in one of the earlier turns beside it; None where there are none."""
        share, number, copied = 0.0, 0, 0
        for turn, earlier in candidates:
            pieces = self._pieces.get(turn) or self._pieces.setdefault(turn, _pieces(self._low[turn]))
            enough = min(_FOUND, len(pieces))
            for other in earlier:
                held = self._low[other].__contains__
                if any(map(held, pieces[::2])) and sum(map(held, pieces)) >= enough:
                    found = self._share(turn, other, least_words)
                    if found > share:
                        share, number, copied = found, turn, other
        if share:
            return Measure(share, evidence(number, self._texts[number], copies=copied))
        return Measure(0.0, {}) if candidates else None

    def _share(self, number: int, other: int, least_words: int) -> float:
        mine, size = self._grams_of(number)
        return len(mine & self._grams_of(other)[0]) / len(mine) if size >= least_words else 0.0

    def _grams_of(self, number: int) -> tuple[frozenset[tuple[str, ...]], int]:
        """The distinct 5-grams of a text and its number of words."""
        if number not in self._grams:
            found = words(self._texts[number])
            grams = zip(*(found[begin:] for begin in range(_GRAM)), strict=False)
            self._grams[number] = frozenset(grams), len(found)
        return self._grams[number]


def _with_earlier(numbers: Sequence[int]) -> list[tuple[int, Sequence[int]]]:
    return [(number, numbers[max(0, place - _BACK) : place]) for place, number in enumerate(numbers) if place]


def _pieces(low: str) -> list[str]:
    """Pieces of a lower-case text at even distances."""
    wide = not low.isascii() and 2 * len(low.encode("ascii", "ignore")) < len(low)
    size = _WIDE_PIECE if wide else _PIECE
    last = max(0, len(low) - size)
    return [low[begin : begin + size] for begin in range(0, last + 1, max(1, last // _PIECES))]
