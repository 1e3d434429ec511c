"""How a message of the simulated user looks, apart from what it does: its length in words, and how it begins.

Both are given to the model as plain figures and words, since lengths and first words are where simulated users differ
most from people. Figures: users/acts.toml; words: languages/*/words.toml.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from dialogue.chance import draw
from prompts.loader import Prompts
from prompts.names import words

ACTS = "users/acts.toml"

Lengths = Mapping[str, Sequence[int]]
"""Least and most words by length habit, from the shortest to the longest."""

ROOM_TO_BEGIN = 6
"""Words from which on a message is told how to begin."""


@dataclass(frozen=True, slots=True)
class Shapes:
    """What a language and acts.toml say of shapes."""

    lengths: Lengths
    opener_lengths: Lengths
    stray: float
    per_word: float
    free: float
    openings: Mapping[str, Mapping[str, float]]
    """First words by act, or by form where the act has none of its own."""
    avoid: tuple[str, ...]


@cache
def shapes(prompts: Prompts, language: str) -> Shapes:
    """The shapes of a language."""
    data, wording = prompts.data(ACTS), words(prompts, language)
    return Shapes(
        lengths=data["lengths"],
        opener_lengths=data["opener"]["lengths"],
        stray=data["rules"]["stray_length"],
        per_word=wording["per_word"],
        free=data["rules"]["free_opening"],
        openings={name: table for name, table in wording["openings"].items() if name != "avoid"},
        avoid=tuple(wording["openings"]["avoid"]),
    )


def span(look: Shapes, lengths: Lengths, habit: str, u: float, least: float = 0) -> tuple[int, int]:
    """Least and most words at position `u` in [0, 1): a stretch of the habit's range, or of the next one to it."""
    names = list(lengths)
    step = names.index(habit)
    if u < look.stray:
        step, u = step + (1 if u < look.stray / 2 else -1), u / look.stray * 2 % 1
    else:
        u = (u - look.stray) / (1 - look.stray)
    low, high = lengths[names[min(max(step, 0), len(names) - 1)]]
    # Even on a logarithmic scale, as the lengths of messages are.
    middle = max(low * (high / low) ** u, least)
    return round(max(middle * 0.75, min(low, 2)) * look.per_word), round(max(middle * 1.3, middle + 2) * look.per_word)


def opening(
    look: Shapes, act: str, form: str, most: int, used: Sequence[str], u: float
) -> tuple[str | None, tuple[str, ...]]:
    """How to begin, with no first word out of `used`; or None, and the first words that are barred.

    `most`: the words there is room for. A message of a few words is not told its first one: little fits both that and
    the act.
    """
    if u < look.free or most < ROOM_TO_BEGIN * look.per_word:
        return None, (*look.avoid, *(word for word in used if word not in look.avoid))
    u = (u - look.free) / (1 - look.free)
    choices = look.openings.get(act) or look.openings[form]
    chosen = draw(choices, u)
    if first_word(chosen) in used:
        chosen = draw({text: weight for text, weight in choices.items() if first_word(text) not in used}, u)
    return chosen, ()


def first_word(text: str) -> str:
    """The first word, as repeats are told by it."""
    return text.split(maxsplit=1)[0].strip(",，").lower()
