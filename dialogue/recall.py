"""Facts that a user told and asks for again: which turns ask, for what, and whether an answer is right.

Read from the seed of a dialogue whose sector has facts of its own (prompts/facts.py): `extra.goal.facts` has their keys
and values, `extra.acts` the turns that ask for one. So nothing has to be understood to judge an answer: it holds the
value or not. A filter judges the dialogue's own answers by it, an evaluation those of a model under test.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from dialogue.records import Dialogue, Message
from dialogue.tongues import UNBOUNDED

_ARTICLE = re.compile(r"(?:a|an|the) (?=\S)", re.IGNORECASE)


class Check(NamedTuple):
    """One fact asked for again, and what the answer makes of it."""

    turn: int
    """The number of the user's turn that asks, from 1."""
    place: int
    """Where its answer stands in `messages`."""
    key: str
    """What is asked for: "town"."""
    value: str
    """What the answer should hold: "Warsaw"."""
    told: bool
    """Whether an earlier turn of the user's holds the value: if none does, there was nothing to be kept in mind."""
    held: bool
    """Whether the answer holds it."""
    others: tuple[str, ...]
    """Values of the dialogue's other facts that the answer holds."""

    @property
    def right(self) -> bool:
        """Whether the answer is right. Other values beside it are no fault: "You live in Warsaw, Ada." is right."""
        return self.told and self.held


class Score(NamedTuple):
    """A reply to a turn that asks, beside the reply that the data has."""

    exact: bool
    """The same text, but for white space at its ends."""
    contains: bool
    """It holds the value."""


def checks(dialogue: Dialogue) -> list[Check]:
    """Every fact asked for again that has an answer, in order; none where the seed tells of none.

    Turns are counted as they were played: a filter that takes out rounds has to come after whoever asks this.
    """
    values, asked = _facts(dialogue), _asked(dialogue)
    if not values or not asked:
        return []
    found = []
    said: list[str] = []
    for place, message in enumerate(dialogue.messages):
        if message.role == "user":
            said.append(message.content)
        elif message.role == "assistant" and (key := asked.pop(len(said), None)) in values:
            found.append(_check(len(said), place, str(key), values, said, message))
    return found


def holds(text: str, value: str) -> bool:
    """Whether the text has the value as whole words, in any case, with its article or without.

    In scripts that put no space between words it may stand anywhere.
    """
    return _pattern(value).search(text) is not None


def score(check: Check, reply: str, reference: str) -> Score:
    """How a model's reply to the turn stands to the reference, which is `messages[check.place].content`."""
    return Score(reply.strip() == reference.strip(), holds(reply, check.value))


def _check(turn: int, place: int, key: str, values: Mapping[str, str], said: list[str], answer: Message) -> Check:
    value = values[key]
    others = tuple(other for name, other in values.items() if name != key and holds(answer.content, other))
    told = any(holds(text, value) for text in said[:-1])
    return Check(turn, place, key, value, told, holds(answer.content, value), others)


@lru_cache(maxsize=4096)
def _pattern(value: str) -> re.Pattern[str]:
    bare = _ARTICLE.sub("", value.strip(), count=1)
    before = "" if bare[0] in UNBOUNDED else r"(?<!\w)"
    after = "" if bare[-1] in UNBOUNDED else r"(?!\w)"
    return re.compile(f"{before}{re.escape(bare)}{after}", re.IGNORECASE)


def _facts(dialogue: Dialogue) -> dict[str, str]:
    """Value by key."""
    goal = dialogue.seed.extra.get("goal")
    rows: Any = goal.get("facts") if isinstance(goal, dict) else None
    pairs = [(row.get("key"), row.get("value")) for row in _objects(rows)]
    return {key: value for key, value in pairs if isinstance(key, str) and isinstance(value, str) and value.strip()}


def _asked(dialogue: Dialogue) -> dict[int, str]:
    """The key asked for by the number of the user's turn."""
    rows = [(row.get("number"), row.get("asks")) for row in _objects(dialogue.seed.extra.get("acts"))]
    return {number: key for number, key in rows if isinstance(number, int) and isinstance(key, str)}


def _objects(rows: Any) -> list[dict[str, Any]]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
