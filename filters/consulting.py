"""Consulting: whether a field's assistant asked before it advised, and named no source that it was not given."""

from typing import Literal

from dialogue.consulting import Consultation, consultation
from dialogue.records import Dialogue
from filters.engine.base import Drop, Filter
from filters.engine.messages import evidence


class Consulting(Filter):
    """Drops dialogues of a field's assistant that advises before it knows the case, or rests on no source.

    The sources, what the person held back and when it came out stand in the seed of the sector `domain`; a dialogue
    without sources is kept. Turns are counted as they were played, so this filter stands before `politeness`, which
    takes rounds out.

    Reasons: `unasked` (the first advice came before any question, though something was held back), `strange_source`
    (an answer names an id that is none of the dialogue's sources), `uncited` (advice names no source, where answers
    are to name them), `untold` (advice came before so many held facts were told), `unadvised` (no answer advises).
    """

    unasked: Literal["drop", "keep"] = "drop"
    """What to do where advice came first."""
    uncited: Literal["drop", "keep"] = "drop"
    """What to do with advice without a source, where the page asks for sources (`cite = true`)."""
    unadvised: Literal["drop", "keep"] = "keep"
    """What to do where no answer comes to advice: the dialogue ended while it was still asked."""
    least_told: int = 0
    """Held facts that have to be told before the first advice."""

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """The same dialogue, or Drop for the first thing that is wrong."""
        found = consultation(dialogue)
        if found is None:
            return dialogue
        if reason := self._reason(found):
            place = _place(dialogue, found, reason)
            text = dialogue.messages[place].content
            return Drop(reason, evidence(place, text, held=found.held, asked=found.asked, told=found.came_out))
        return dialogue

    def concerns(self, dialogue: Dialogue) -> bool:
        """Whether its seed has sources."""
        return consultation(dialogue) is not None

    def _reason(self, found: Consultation) -> str | None:
        if found.strange:
            return "strange_source"
        if not found.due:
            return None
        if found.advised is None:
            return "unadvised" if self.unadvised == "drop" else None
        if self.unasked == "drop" and not found.asked_first:
            return "unasked"
        if found.came_out < min(self.least_told, found.held):
            return "untold"
        return "uncited" if found.cites and not found.cited and self.uncited == "drop" else None


def _place(dialogue: Dialogue, found: Consultation, reason: str) -> int:
    """Where in `messages` the answer stands that is at fault."""
    answers = [number for number, message in enumerate(dialogue.messages) if message.role == "assistant"]
    if reason == "strange_source":
        sought = f"[{found.strange[0]}]"
        return next((place for place in answers if sought in dialogue.messages[place].content), answers[0])
    return answers[(found.advised or len(answers)) - 1]
