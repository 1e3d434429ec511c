"""A finished dialogue as the measures of a corpus see it (figures.py)."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dialogue.draft import read
from dialogue.faults import CHECKS, user_flags
from dialogue.records import Message

_WORD = re.compile(r"\w+")
_THANKS = re.compile(r"\b(?:thanks|thank you|thx|cheers)\b", re.IGNORECASE)
_SENTINEL = re.compile(r"[⟦⟧]")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the figures need of one dialogue."""

    opener: str
    follow_ups: tuple[tuple[str, ...], ...]
    """The words of each message of the user but the first."""
    questions: int
    """Follow-ups with a question mark."""
    thanks: int
    """Follow-ups with a word of thanks."""
    faults: Counter[str]
    """Checks of follow-ups that fire on the finished text, typing noise included, and "praise"."""
    leaks: int
    """Messages that hold an end signal, or the person's own description."""
    ratio: float
    """Words of the follow-ups by words of the answers to them."""
    acts: tuple[str, ...]
    rounds: int
    capped: bool
    """Ended by a limit before the planned number of rounds."""
    held: int
    """Facts held back from the opener."""
    released: int
    """Those of them that a plan let out."""


def seen(dialogue: dict[str, Any]) -> Seen:
    """What there is to see in a line of dialogues.jsonl."""
    messages = [Message.model_validate(message) for message in dialogue["messages"]]
    seed, extra = dialogue["seed"], dialogue["seed"]["extra"]
    users = [place for place, message in enumerate(messages) if message.role == "user"]
    follow_ups = [messages[place].content for place in users[1:]]
    answers = [message.content for message in messages[users[0] + 2 :] if message.role == "assistant"]
    sizes = tuple(tuple(words(text)) for text in follow_ups)
    held = {fact["text"] for fact in extra["goal"]["facts"] if fact["state"] == "held"}
    return Seen(
        opener=messages[users[0]].content,
        follow_ups=sizes,
        questions=sum("?" in text for text in follow_ups),
        thanks=sum(_THANKS.search(text) is not None for text in follow_ups),
        faults=_faults(messages, users[1:], extra["acts"], seed["language"]),
        leaks=sum(_SENTINEL.search(m.content) is not None or seed["persona"] in m.content for m in messages),
        ratio=sum(map(len, sizes)) / max(1, sum(len(words(text)) for text in answers)),
        acts=tuple(plan["act"] for plan in extra["acts"]),
        rounds=len(users),
        capped=dialogue["stop"] != "user_stopped" and len(users) < extra["rounds"],
        held=len(held),
        released=len(held & {plan.get("release") for plan in extra["acts"]}),
    )


def words(text: str) -> list[str]:
    """Runs of letters, digits and underscores, in lower case."""
    return _WORD.findall(text.lower())


def _faults(
    messages: Sequence[Message], places: Sequence[int], plans: Sequence[dict[str, Any]], language: str
) -> Counter[str]:
    found: Counter[str] = Counter()
    for place, plan in zip(places, plans, strict=True):
        draft = read(messages[place].content, messages[:place], plan["act"], language)
        found.update(name for name, (_, check) in CHECKS.items() if check(draft) is not None)
        found.update(user_flags(messages[place].content, language=language))
    return found
