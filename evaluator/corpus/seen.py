"""A dialogue as the costly figures see it: counted and measured once, its text let go."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from dialogue.languages import language_of
from dialogue.likeness import words
from dialogue.records import Dialogue
from dialogue.tongues import word_count
from evaluator.corpus.counted import SIDES, counted
from evaluator.corpus.lexical import LEAST_WORDS, hdd, lexical_words, mattr, mtld
from evaluator.corpus.planned import Plan, plan_of
from evaluator.corpus.variety import Ids
from evaluator.corpus.vectors import Turn

_READ = 1000
"""Characters of a dialogue that tell its language."""


class Varied(NamedTuple):
    """The lexical measures of one side's turns of 50 words and more."""

    turns: int
    """All of that side's, short ones too."""
    mtld: tuple[float, ...]
    hdd: tuple[float, ...]
    mattr: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the figures need of one dialogue."""

    group: str | None
    sector: str | None
    opener: str
    material: str | None
    starts: tuple[tuple[str, ...], ...]
    """The first three words of each user's turn, the opener first; fewer where it has fewer."""
    sizes: tuple[int, ...]
    """The words of the follow-ups, which are the user's turns but the first."""
    counts: Mapping[str, int]
    """Numbers by name; what they count is said in evaluator/corpus/counted.py."""
    ratio: float | None
    """Words of the follow-ups by words of the answers to them."""
    answer_words: float
    """The mean of those answers."""
    user_mtld: float | None
    """Of all the user's words together, where they are 50 or more."""
    varied: Mapping[str, Varied]
    turns: tuple[Turn, ...]
    plan: Plan | None
    rounds: int
    leaf: str | None
    branch: str | None
    language: str
    """By its words or script; "?" where they do not tell."""


class Vocabulary:
    """Numbers words as they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def ids(self, found: Sequence[str]) -> Ids:
        """The numbers of words, in their order."""
        numbers = self._numbers
        return np.array([numbers.setdefault(word, len(numbers)) for word in found], np.uint32)


def seen(dialogue: Dialogue, group: str | None, vocabulary: Vocabulary, more: Mapping[str, int] | None = None) -> Seen:
    """What there is to see; `more` are counts that were made elsewhere."""
    spoken = [(number, message) for number, message in enumerate(dialogue.messages) if message.role in SIDES]
    users = [number for number, message in spoken if message.role == "user"]
    said = [message.content for _, message in spoken if message.role == "user"]
    answers = [m.content for number, m in spoken if m.role == "assistant" and len(users) > 1 and number > users[1]]
    asked = [_instruction(dialogue) or said[0], *said[1:]] if said else []
    turns = tuple(Turn(message.role, vocabulary.ids(lexical_words(message.content))) for _, message in spoken)
    plan = plan_of(dialogue)
    sizes = tuple(map(word_count, said[1:]))
    answer_words = sum(map(word_count, answers))
    pooled = [word for turn in turns if turn.role == "user" for word in turn.ids.tolist()]
    return Seen(
        group=group,
        sector=dialogue.sector,
        opener=asked[0] if asked else "",
        material=dialogue.seed.material,
        starts=tuple(tuple(words(text[:400])[:3]) for text in asked),
        sizes=sizes,
        counts=counted(dialogue, users, plan) | Counter(more or {}),
        ratio=sum(sizes) / answer_words if answer_words else None,
        answer_words=answer_words / len(answers) if answers else 0.0,
        user_mtld=mtld(pooled) if len(pooled) >= LEAST_WORDS else None,
        varied={side: _varied([turn.ids.tolist() for turn in turns if turn.role == side]) for side in SIDES},
        turns=turns,
        plan=plan,
        rounds=rounds_of(dialogue),
        leaf=_leaf(dialogue),
        branch=dialogue.seed.topic if dialogue.seed.subtopic else None,
        language=language_of("\n".join(message.content for _, message in spoken)[:_READ]) or "?",
    )


def rounds_of(dialogue: Dialogue) -> int:
    """The user's turns that have an answer before the next of them."""
    roles = [message.role for message in dialogue.messages if message.role in SIDES]
    return sum(pair == ("user", "assistant") for pair in pairwise(roles))


def _instruction(dialogue: Dialogue) -> str | None:
    """What was asked with an opener that was joined with a passage, without the passage."""
    extra = dialogue.seed.extra
    given = extra.get("instruction")
    return given if isinstance(given, str) and "shape" in extra else None


def _leaf(dialogue: Dialogue) -> str | None:
    topic, subtopic = dialogue.seed.topic, dialogue.seed.subtopic
    return f"{topic} / {subtopic}" if topic and subtopic else topic or subtopic


def _varied(texts: Sequence[list[int]]) -> Varied:
    long = [ids for ids in texts if len(ids) >= LEAST_WORDS]
    draws, windows = (tuple(found for ids in long if (found := measure(ids)) is not None) for measure in (hdd, mattr))
    return Varied(len(texts), tuple(map(mtld, long)), draws, windows)
