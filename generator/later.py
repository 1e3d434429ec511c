"""Dialogues taken up: carried on from where they stand, or answered anew from their first message."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from dialogue.likeness import words
from dialogue.records import Message
from generator.stage import Job, Scenery, Stage
from generator.user.acts import TurnPlan, asks
from generator.user.script import Script

SHOWN_CHARACTERS = 600
"""Of a longer message the simulator is told no more: it puts the same want in words of its own."""
MOST_WORDS = 90


@dataclass(frozen=True, slots=True)
class Reprise(Script):
    """A script by which the user's messages of an earlier dialogue are asked for again."""

    later: tuple[str, ...] = ()
    """What the user wrote, from the second message on."""

    def turn(self, number: int, past: Sequence[TurnPlan], answer: str) -> TurnPlan:
        """The plan for the message that takes the place of the earlier dialogue's message `number`."""
        text = " ".join(self.later[number - 2].split())
        size = min(len(words(text)), MOST_WORDS)
        return TurnPlan(
            number=number,
            act="resume",
            form="question" if asks(text) else "imperative",
            words=(max(2, round(0.7 * size)), round(1.3 * size) + 3),
            detail=text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]} …",
            leave=number == len(self.later) + 1,  # to every other message the person did go on
        )

    def _act(self, wording: object, plan: TurnPlan) -> str:
        clause: str = self.tongue.words["resume"]["act"]
        return clause.replace("{detail}", plan.detail or "")


def reprise(plan: Script, later: Sequence[str]) -> Reprise:
    """The script with nothing on its card but the goal, for as many rounds as the earlier dialogue had."""
    card = plan.goal.model_copy(update={"facts": (), "change": None, "misconception": None})
    kept = {field.name: getattr(plan, field.name) for field in fields(plan)}
    return Reprise(**{**kept, "goal": card, "rounds": len(later) + 1}, later=tuple(later))


class Continuation(Stage):
    """Plays on from what stands. Rounds are counted with those that stand, but those asked for come on top."""

    def __init__(self, scenery: Scenery, job: Job) -> None:
        super().__init__(scenery, job)
        assert job.given is not None
        stand = sum(message.role == "user" for message in job.given.before)
        self._script = replace(self._script, rounds=stand + self._script.rounds)
        self._rounds = stand + scenery.rounds[0], stand + scenery.rounds[1]

    def _opening(self) -> list[Message]:
        assert self._job.given is not None
        return list(self._job.given.before)


class Reanswering(Stage):
    """Has every answer given anew, and every later message of the user's asked for again."""

    def __init__(self, scenery: Scenery, job: Job) -> None:
        super().__init__(scenery, job)
        assert job.given is not None
        self._script = reprise(self._script, job.given.later[: scenery.rounds[1] - 1])

    def _opening(self) -> list[Message]:
        """The first message, after the dialogue's own system message or the one that the run brings."""
        assert self._job.given is not None
        before = list(self._job.given.before)
        return before if before[0].role == "system" else [*super()._opening()[:-1], *before]
