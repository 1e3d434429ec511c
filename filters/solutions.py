"""Solutions: answers to problems held against what code computes, from the figures in the seed."""

from typing import Literal

from dialogue.records import Dialogue
from dialogue.solutions import marks
from filters.engine.base import Drop, Filter
from filters.engine.messages import evidence


class Solutions(Filter):
    """Drops dialogues in which a reply to a problem states another answer than the computed one.

    Problems stand in the seed of sectors that draw them, such as `school-math`; a dialogue without one is kept. A run
    keeps wrong answers apart itself: this finds those of dialogues that were edited or answered anew since. Turns are
    counted as they were played, so this filter stands before `politeness`, which takes rounds out.

    Reasons: `wrong` (another answer is stated, or none where the figures are new), `untold` (the user's message lacks
    a figure of the problem).
    """

    untold: Literal["drop", "keep"] = "drop"
    """What to do where the user's own messages do not hold a figure: no answer to that can be right."""

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """The same dialogue, or Drop for the first round that is not right."""
        for mark in marks(dialogue):
            if mark.reason == "wrong" or self.untold == "drop":
                return Drop(mark.reason, evidence(mark.place, dialogue.messages[mark.place].content, said=mark.detail))
        return dialogue

    def concerns(self, dialogue: Dialogue) -> bool:
        """Whether its seed has a problem."""
        return "problem" in dialogue.seed.extra
