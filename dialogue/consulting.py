"""Whether an assistant asks before it advises, and which of its sources it names: counted, not judged.

BianQue (arXiv 2310.15896) calls it the balance of questioning and suggestion. An answer *asks* where it holds a
question, and *advises* where it has more to say besides. What was held back, what came out when, and the sources stand
in the seed of dialogues of the sector `domain`; answers of a model under test can be counted by the same seed.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from dialogue.likeness import words
from dialogue.records import Dialogue

GROUNDED = "grounded"
"""The kind of a dialogue that starts with a case to be advised on."""

MOST_BESIDE = 40
"""Words beside its questions up to which an answer only asks; Chinese has one for each character."""

_QUESTION = re.compile(r"(?:[^.!?。！？…\n]|\.(?=\w))*[?？؟]+")
_BRACKETS = re.compile(r"\[([^\[\]\n]{1,200})\](?!\()")
_BOXES = frozenset(("x", "X", " "))


class Consultation(NamedTuple):
    """What happened between the first message and the first advice."""

    held: int
    """Facts that the person held back at first."""
    asked: int
    """Answers that only asked, before the first one that advised."""
    came_out: int
    """Held facts that were told before that."""
    advised: int | None
    """The number of the answer that advised first, from 1; None: none did."""
    cited: tuple[str, ...]
    """Ids of sources that answers name, each once."""
    strange: tuple[str, ...]
    """What answers name in brackets that is no source of the dialogue's, where sources are to be named."""
    cites: bool
    """Whether sources were to be named."""
    due: bool
    """Whether there was something to ask for: a case for advice, of which something was held back."""

    @property
    def asked_first(self) -> bool:
        """Whether something was asked before advice was given."""
        return self.asked > 0


def questions(text: str) -> list[str]:
    """The sentences that end in a question mark."""
    return [found.strip() for found in _QUESTION.findall(text)]


def advises(text: str) -> bool:
    """Whether there is more in the text than a question and a few words with it."""
    return len(words(_QUESTION.sub("", text))) > MOST_BESIDE


def named(text: str) -> list[str]:
    """What stands in square brackets; links and boxes to be ticked are none."""
    return [found.strip() for found in _BRACKETS.findall(text) if found not in _BOXES]


def consultation(dialogue: Dialogue, answers: Sequence[str] | None = None) -> Consultation | None:
    """The count for a dialogue, or for other answers to its user's turns; None where its seed has no sources."""
    extra = dialogue.seed.extra
    sources = extra.get("sources")
    if not isinstance(sources, list) or not sources:
        return None
    said = [one.content for one in dialogue.messages if one.role == "assistant"] if answers is None else list(answers)
    advised = next((number for number, text in enumerate(said, 1) if advises(text)), None)
    before = said[: advised - 1] if advised else said
    released = _released(extra.get("acts"))
    brackets = dict.fromkeys(one for text in said for one in named(text))
    cites = extra.get("cite") is True
    held = _held(extra.get("goal"))
    return Consultation(
        held=held,
        asked=sum(bool(questions(text)) for text in before),
        came_out=sum(turn <= (advised or len(said)) for turn in released),
        advised=advised,
        cited=tuple(one for one in brackets if one in sources),
        strange=_strange(brackets, sources) if cites else (),
        cites=cites,
        due=held > 0 and dialogue.seed.kind == GROUNDED,
    )


def _strange(brackets: Collection[str], sources: Sequence[Any]) -> tuple[str, ...]:
    return tuple(one for one in brackets if one not in sources)


def _held(goal: Any) -> int:
    facts = goal.get("facts") if isinstance(goal, dict) else None
    return sum(isinstance(fact, dict) and fact.get("state") == "held" for fact in facts or [])


def _released(acts: Any) -> list[int]:
    """The numbers of the user's turns that told a held fact."""
    rows = acts if isinstance(acts, list) else []
    return [row["number"] for row in rows if isinstance(row, dict) and row.get("release") and _whole(row.get("number"))]


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
