"""What filters ask of a dialogue's messages: its exchanges, phrases that are worth a closer look, evidence."""

import re
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from dialogue.draft import Draft, read
from dialogue.records import Dialogue, Message
from dialogue.tongues import UNBOUNDED, code_of

FOLDER = Path(__file__).parents[1] / "phrases"
"""Phrases that only filters need, one TOML file a filter."""
CLIPPED = 200
"""Characters of a message that stand in a drop's evidence."""
_BEFORE = '\n\t*("[_>/“„«…'
"""Marks that stand before a first word and in no phrase."""


def evidence(index: int, text: str, at: int = 0, **more: JsonValue) -> dict[str, JsonValue]:
    """The message's number and at most 200 characters around the place `at` of it."""
    begin = max(0, min(at - CLIPPED // 2, len(text) - CLIPPED))
    return {"message": index, "text": text[begin : begin + CLIPPED], **more}


def draft_of(dialogue: Dialogue, number: int) -> Draft:
    """A message for the checks of dialogue.faults, with the messages before it as history.

    Where the seed names no language, the phrases of all languages are read: on 3,800 real dialogues that gives no other
    verdicts than those of the dialogue's own, and to tell the language takes 120 us, longer than all else.
    """
    messages = dialogue.messages
    return read(messages[number].content, messages[:number], None, dialogue.seed.language)


def exchanges(messages: Sequence[Message]) -> list[range]:
    """The numbers of each user message and all that follows it up to the next; what stands before the first is none."""
    starts = [number for number, message in enumerate(messages) if message.role == "user"]
    return [range(*pair) for pair in pairwise([*starts, len(messages)])]


class Needles(NamedTuple):
    """Phrases of which most texts have none: a look for a thousand of them takes 10 ns a character."""

    spaced: re.Pattern[str]
    unspaced: re.Pattern[str]
    """Those that start in a script without spaces."""

    def in_(self, low: str) -> bool:
        """Whether a text in the form of `dialogue.tongues.normal` has one of them behind a space or mark.

        What stands behind the phrase is not looked at: a closer look follows.
        """
        if not low.isascii() and self.unspaced.search(low):
            return True
        for mark in _BEFORE:
            low = low.replace(mark, " ")
        return self.spaced.search(f" {low}") is not None


def needles(phrases: Iterable[str]) -> Needles:
    """A tree of the phrases as an expression. A space before all of them makes the search fast."""
    every = list(phrases)
    unspaced = [phrase for phrase in every if phrase[0] in UNBOUNDED]
    spaced = [phrase for phrase in every if phrase[0] not in UNBOUNDED]
    return Needles(re.compile(f" {_tree(spaced)}"), re.compile(_tree(unspaced)))


def _tree(phrases: Iterable[str]) -> str:
    """An expression for texts that begin with one of the phrases; none does where there is no phrase."""
    by_first: dict[str, list[str]] = {}
    for phrase in phrases:
        if not phrase:
            return ""
        by_first.setdefault(phrase[0], []).append(phrase[1:])
    branches = [re.escape(first) + _tree(rest) for first, rest in sorted(by_first.items())]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches) or '(?!)'})"


@cache
def _file(name: str) -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def own_phrases(name: str, language: str | None) -> dict[str, list[str]]:
    """The phrases in filters/phrases/NAME.toml by their table, of a language and of English; of all where it is None.

    A table's keys are languages; zh holds both scripts.
    """
    code = None if language is None else code_of(language).split("-")[0]
    return {
        table: [phrase for key, found in lists.items() if code is None or key in (code, "en") for phrase in found]
        for table, lists in _file(name).items()
    }
