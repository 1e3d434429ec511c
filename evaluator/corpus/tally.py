"""What is counted of every dialogue, exactly and in passing: rounds, turns, words, tokens, repeated openers."""

from array import array
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from dialogue.chance import hash64
from dialogue.records import Dialogue
from evaluator.corpus.counted import SIDES
from evaluator.corpus.running import Running
from evaluator.corpus.seen import rounds_of
from evaluator.corpus.words import Count, size


class Sizes(NamedTuple):
    """One dialogue's numbers; those of turns in their order."""

    roles: tuple[str, ...]
    """Of its turns: messages of user and assistant."""
    words: tuple[int, ...]
    tokens: tuple[int, ...] | None
    rounds: int
    systems: int
    """System messages, which are no turns."""
    opener: int | None
    """A hash of the first user's turn."""


def sizes(dialogue: Dialogue, count: Count | None) -> Sizes:
    """The numbers of a dialogue."""
    turns = [message for message in dialogue.messages if message.role in SIDES]
    texts = [message.content for message in turns]
    opener = next((message.content for message in turns if message.role == "user"), None)
    return Sizes(
        roles=tuple(message.role for message in turns),
        words=tuple(map(size, texts)),
        tokens=None if count is None else tuple(count(texts)),
        rounds=rounds_of(dialogue),
        systems=sum(message.role == "system" for message in dialogue.messages),
        opener=None if opener is None else hash64(opener),
    )


class Tally:
    """The sums of all dialogues or of a group of them; keeps 8 bytes of each, for openers."""

    def __init__(self) -> None:
        self.dialogues = 0
        self.systems = 0
        self._openers = array("Q")
        self._running: dict[str, Running] = {}

    def add(self, one: Sizes) -> None:
        """Take a dialogue."""
        self.dialogues += 1
        self.systems += one.systems
        if one.opener is not None:
            self._openers.append(one.opener)
        self._of("rounds_per_dialogue").add([one.rounds])
        self._of("turns_per_dialogue").add([len(one.roles)])
        self._measure("words", one.roles, one.words)
        if one.tokens is not None:
            self._measure("tokens", one.roles, one.tokens)

    def _measure(self, what: str, roles: Iterable[str], found: tuple[int, ...]) -> None:
        self._of(f"{what}_per_dialogue").add([sum(found)])
        self._of(f"{what}_per_turn").add(found)
        for side in SIDES:
            own = [number for role, number in zip(roles, found, strict=True) if role == side]
            self._of(f"{what}_per_{side}_turn").add(own)

    def _of(self, name: str) -> Running:
        return self._running.setdefault(name, Running())

    @property
    def repeated_openers(self) -> int:
        """Dialogues whose opener stands before them, to the letter."""
        return len(self._openers) - len(np.unique(np.frombuffer(self._openers, np.uint64))) if self._openers else 0

    @property
    def follow_ups(self) -> int:
        """The user's turns but the first of each dialogue."""
        return self._of("words_per_user_turn").n - len(self._openers)

    def plain(self) -> dict[str, Any]:
        """All counts, and under `sizes` all figures, for programs; tokens are None where nobody counted them."""
        rounds, users = self._of("rounds_per_dialogue").total, self._of("words_per_user_turn").n
        tokens = self._running.get("tokens_per_dialogue")
        return {
            "dialogues": self.dialogues,
            "rounds": rounds,
            "turns": self._of("turns_per_dialogue").total,
            "user_turns": users,
            "assistant_turns": self._of("words_per_assistant_turn").n,
            "unanswered_user_turns": users - rounds,
            "system_messages": self.systems,
            "words": self._of("words_per_dialogue").total,
            "tokens": tokens.total if tokens else None,
            "sizes": {name: running.figure(_unit(name)).plain() for name, running in self._running.items()},
        }


def _unit(name: str) -> str:
    return name.replace("_per_", " per ").replace("_", " ")
