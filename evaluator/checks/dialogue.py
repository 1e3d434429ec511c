"""How a model holds a conversation: whether it ends its turns, recalls what it was told, asks before it advises,
repeats itself, keeps the language.

Items are dialogues (a run folder, or any file of dialogues): the user's turns are asked one after the other, and the
model's own answers stand between them.
"""

from dialogue.consulting import consultation
from dialogue.recall import checks as facts_asked
from dialogue.recall import holds
from dialogue.records import Dialogue, Message, decode
from evaluator.check import Check, Grades
from evaluator.records import Answer, Item
from filters.engine.base import Drop
from filters.language import Language

_LANGUAGE = Language()


class Dialogues(Check):
    """Grades by turn; `recall` where the seed says which facts are asked for (the sector `recall`), `asks_first` where
    a client held something back (the sector `domain`)."""

    headline = "sound_turns"
    figures = ("sound_turns", "ends_turn", "recall", "asks_first", "no_repetition", "language_kept")

    def fits(self, item: Item) -> str | None:
        """It has to come from a dialogue."""
        return None if "messages" in item.row else "no dialogue; give a run folder or a file of dialogues"

    def grades(self, item: Item, answer: Answer) -> Grades:
        """A sound turn came to its end and is no copy of an earlier one, in a dialogue that kept its language."""
        ended = [float(finish in (None, "stop")) for finish in answer.finish]
        fresh = [float(not _said_before(text, answer.turns[:at])) for at, text in enumerate(answer.turns)]
        spoken = _spoken(item, answer)
        kept = float(not isinstance(_LANGUAGE.apply(spoken), Drop))
        found = {
            "ends_turn": ended,
            "no_repetition": fresh,
            "language_kept": [kept],
            "sound_turns": [a * b * kept for a, b in zip(ended, fresh, strict=True)],
        }
        recalled, asked = _recalled(item, answer), _asked(item, answer)
        return {**found, **({"recall": recalled} if recalled else {}), **({"asks_first": asked} if asked else {})}


def _said_before(text: str, earlier: tuple[str, ...]) -> bool:
    """Word for word, in whatever case: what resembles only is `near_copy`'s business, and has reasons to occur."""
    plain = " ".join(text.lower().split())
    return any(plain == " ".join(one.lower().split()) for one in earlier) and len(plain.split()) > 3


def _spoken(item: Item, answer: Answer) -> Dialogue:
    """The conversation as it was held."""
    messages = []
    for number, turn in enumerate(item.turns):
        messages.append(Message(role="user", content=turn))
        if number < len(answer.turns):
            messages.append(Message(role="assistant", content=answer.turns[number]))
    return Dialogue(id=item.id, messages=tuple(messages))


def _recalled(item: Item, answer: Answer) -> list[float]:
    """For each fact that is asked for again and had been told, whether the model's answer holds it."""
    asked = [one for one in facts_asked(decode(item.row)) if one.told and one.turn <= len(answer.turns)]
    return [float(holds(answer.turns[one.turn - 1], one.value)) for one in asked]


def _asked(item: Item, answer: Answer) -> list[float]:
    """Whether the model asks before it advises, of a case with something held back."""
    found = consultation(decode(item.row), answer.turns)
    return [float(found.asked_first)] if found and found.due else []
