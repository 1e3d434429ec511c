"""Recall: answers to facts that the user told before and asks for again, held against the facts in the seed."""

from typing import Literal

from dialogue.recall import Check, checks
from dialogue.records import Dialogue
from filters.engine.base import Drop, Filter
from filters.engine.messages import evidence


class Recall(Filter):
    """Drops dialogues in which an answer to a fact asked for again lacks its value or names another.

    Facts and the turns that ask for them stand in the seed of sectors that draw them, such as `recall`; a dialogue
    without any is kept. Turns are counted as they were played, so this filter stands before `politeness`, which takes
    rounds out.

    Reasons: `wrong` (the value of another fact stands in its place), `missing` (neither stands there), `untold` (the
    user never told the value before asking), `beside` (another fact's value stands beside the right one), `unasked`.
    """

    untold: Literal["drop", "keep"] = "drop"
    """What to do where the user's own messages do not hold what is asked for: no answer to that can be right."""
    beside: Literal["drop", "keep"] = "keep"
    """What to do where an answer names other facts besides the right one: "You live in Oslo, Ada." is a good answer."""
    least_checks: int = 0
    """Facts asked for again that a dialogue needs to be kept."""

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """The same dialogue, or Drop for the first answer that is not right."""
        found = checks(dialogue)
        if len(found) < self.least_checks:
            text = dialogue.messages[0].content if dialogue.messages else ""
            return Drop("unasked", {**evidence(0, text), "checks": len(found), "least": self.least_checks})
        for check in found:
            if reason := self._reason(check):
                text = dialogue.messages[check.place].content
                found_there = evidence(check.place, text, asked=check.key, value=check.value, turn=check.turn)
                return Drop(reason, {**found_there, "others": list(check.others)})
        return dialogue

    def concerns(self, dialogue: Dialogue) -> bool:
        """Whether a fact is asked for again."""
        return bool(checks(dialogue))

    def _reason(self, check: Check) -> str | None:
        if not check.told and self.untold == "drop":
            return "untold"
        if not check.held:
            return "wrong" if check.others else "missing"
        return "beside" if check.others and self.beside == "drop" else None
