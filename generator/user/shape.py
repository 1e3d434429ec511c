"""How a message of the simulated user looks, apart from what it does: its length in words, and how it begins.

Both are given to the model as plain figures and words, since lengths and first words are where simulated users differ
most from people. Figures: users/acts.toml; words: languages/*/words.toml.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf, prod

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
    spread: Mapping[str, Mapping[str, float]]
    """By the person's habit: the weights of the habits that a message of theirs goes by."""
    longer: Mapping[str, Mapping[str, float]]
    """By trait, and by `act`: how many times longer a message gets."""
    shortest: Mapping[str, float]
    """By act: the words that it takes at least."""
    longest: Mapping[str, float]
    """By act: the words that no message much exceeds."""
    per_word: float
    free: float
    unopened: frozenset[str]
    """Acts, and acts in a form, whose first word is left to the model."""
    openings: Mapping[str, Mapping[str, float]]
    """First words by act and form ("doubt_question"), by act, or by form where the act has none of its own."""
    avoid: tuple[str, ...]
    manners: Mapping[str, Mapping[str, Sequence[str]]]
    """By trait and value: the first words that such a person does not use."""


@cache
def shapes(prompts: Prompts, language: str) -> Shapes:
    """The shapes of a language."""
    data, wording = prompts.data(ACTS), words(prompts, language)
    return Shapes(
        lengths=data["lengths"],
        opener_lengths=data["opener"]["lengths"],
        spread=data["spread"],
        longer=data["longer"],
        shortest=data["shortest"],
        longest=data["longest"],
        per_word=wording["per_word"],
        free=data["rules"]["free_opening"],
        unopened=frozenset(data["rules"]["unopened"]["acts"]),
        openings=wording["openings"],
        avoid=tuple(wording["first_words"]["overused"]),
        manners={
            dimension: {value: wording["first_words"][kind] for value, kind in values.items()}
            for dimension, values in data["unused"].items()
        },
    )


def span(
    look: Shapes, lengths: Lengths, habit: str, u: float, least: float = 0, longest: float = inf, times: float = 1.0
) -> tuple[int, int]:
    """Least and most words at position `u` in [0, 1): a stretch of the range of the person's habit, or of another.

    The middle of the stretch lies from `least` to `longest`.
    """
    name, u = _split(look.spread[habit], u)
    low, high = lengths[name]
    # Even on a logarithmic scale, as the lengths of messages are.
    middle = max(min(low * (high / low) ** u * times, longest), least)
    return round(max(middle * 0.75, min(low, 2)) * look.per_word), round(max(middle * 1.3, middle + 2) * look.per_word)


def lengthened(look: Shapes, act: str, traits: Mapping[str, str]) -> float:
    """How many times longer than their habit has it the person's messages get in this act."""
    return prod(values.get(act if name == "act" else traits[name], 1.0) for name, values in look.longer.items())


def opening(
    look: Shapes, act: str, form: str, traits: Mapping[str, str], most: int, used: Sequence[str], u: float
) -> tuple[str | None, tuple[str, ...]]:
    """How to begin, with no first word out of `used`; or None, and the first words that are barred.

    `most`: the words there is room for; 0 where something else is to be said as well. A message of a few words is not
    told its first one: little fits both that and the act.
    """
    free = None, (*look.avoid, *(word for word in used if word not in look.avoid))
    decided = not look.unopened.isdisjoint((act, f"{act}_{form}"))
    if decided or u < look.free or most < ROOM_TO_BEGIN * look.per_word:
        return free
    unused = {word for name, values in look.manners.items() for word in values.get(traits[name], ())}
    table = look.openings.get(f"{act}_{form}") or look.openings.get(act) or look.openings[form]
    choices = {text: weight for text, weight in table.items() if first_word(text) not in used and text not in unused}
    return (draw(choices, (u - look.free) / (1 - look.free)), ()) if choices else free


def _split(weights: Mapping[str, float], u: float) -> tuple[str, float]:
    """The key at position `u` in [0, 1) of the weights, and where within its stretch `u` lies."""
    name, left = draw(weights, u), u * sum(weights.values())
    for other, weight in weights.items():
        if other == name:
            return name, min(left / weight, 1.0)
        left -= weight
    raise AssertionError(name)


def first_word(text: str) -> str:
    """The first word, as repeats are told by it."""
    return text.split(maxsplit=1)[0].strip(",，").lower()
