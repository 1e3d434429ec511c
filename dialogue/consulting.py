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

MOST_BESIDE = 30
"""Words beside its questions up to which an answer only asks: a sentence or two. A Chinese character is two thirds."""

_SENTENCE = re.compile(r"(?:[^.!?。！？؟…\n]|\.(?=\w))*[.!?。！？؟…\n]*")
_ASKS = ("?", "？", "؟")
_BRACKETS = re.compile(r"\[([^\[\]\n]{1,200})\](?!\()")
_SEVERAL = re.compile(r"\s*[,;，；、]\s*")
_BOXES = frozenset(("x", "X", ""))


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
    return [sentence for sentence in _sentences(text) if sentence.endswith(_ASKS)]


def advises(text: str) -> bool:
    """Whether there is more in the text than a question and a sentence or two with it."""
    beside = words(" ".join(sentence for sentence in _sentences(text) if not sentence.endswith(_ASKS)))
    return sum(3 if len(word) > 1 or word.isascii() else 2 for word in beside) > 3 * MOST_BESIDE


def named(text: str, sources: Collection[Any]) -> tuple[list[str], list[str]]:
    """The sources that the text names in square brackets, one or several in a pair; and what else it names so.

    Links, and boxes to be ticked, are neither.
    """
    cited: dict[str, None] = {}
    strange: dict[str, None] = {}
    for found in map(str.strip, _BRACKETS.findall(text)):
        parts = [found] if found in sources else _SEVERAL.split(found)
        if all(part in sources for part in parts):
            cited.update(dict.fromkeys(parts))
        elif found not in _BOXES:
            strange[found] = None
    return list(cited), list(strange)


def _sentences(text: str) -> list[str]:
    return [found.strip() for found in _SENTENCE.findall(text) if found.strip()]


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
    cited, strange = named("\n".join(said), sources)
    cites = extra.get("cite") is True
    held = _held(extra.get("goal"))
    return Consultation(
        held=held,
        asked=sum(bool(questions(text)) for text in before),
        came_out=sum(turn <= (advised or len(said)) for turn in released),
        advised=advised,
        cited=tuple(cited),
        strange=tuple(strange) if cites else (),
        cites=cites,
        due=held > 0 and dialogue.seed.kind == GROUNDED,
    )


def _held(goal: Any) -> int:
    facts = goal.get("facts") if isinstance(goal, dict) else None
    return sum(isinstance(fact, dict) and fact.get("state") == "held" for fact in facts or [])


def _released(acts: Any) -> list[int]:
    """The numbers of the user's turns that told a held fact."""
    rows = acts if isinstance(acts, list) else []
    return [row["number"] for row in rows if isinstance(row, dict) and row.get("release") and _whole(row.get("number"))]


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
