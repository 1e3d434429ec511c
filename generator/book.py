"""What one dialogue has said and what it has cost, written down as it comes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from dialogue.records import Usage
from generator.client.chat import Chat, Completion
from generator.folder.run_folder import RunFolder
from generator.play import Turn
from generator.settings import side_of
from generator.tally import Tally
from generator.voice import Reply, Voice, pending, written

TOOL = "tool"
"""The side of the results of commands: tools are no model, and cost nothing."""


class Book:
    """One dialogue's part of the journal, and what it adds up to."""

    def __init__(self, folder: RunFolder, tally: Tally, index: int, events: Sequence[Mapping[str, Any]]) -> None:
        """`events` are those that the journal has of the dialogue already."""
        self._folder = folder
        self._tally = tally
        self._index = index
        self._kept = pending(events)
        self._refused = sum(isinstance(reply, Completion) for reply in self._kept)
        """How many replies to the present turn failed a check."""
        self.usage = defaultdict(Usage, {"user": Usage(), "assistant": Usage()})
        """All that was paid, by role."""
        for event in events:
            if event["side"] != TOOL:
                self.usage[event["side"]] += Usage.model_validate(event["usage"])
        self.failures = sum(event["k"] == "spent" for event in events)
        """How often the dialogue was given up before."""
        self._given_up = False

    def voice(self, chat: Chat, role: str) -> Voice:
        """The role's way to its endpoint."""
        return Voice(chat, self._kept, partial(self._refuse, role))

    def turn(self, number: int, side: str, turn: Turn) -> None:
        """Keep message `number` of the dialogue."""
        if side != TOOL:
            self.usage[side] += turn.usage
            self._tally.turns += 1
        more: dict[str, Any] = {}
        if turn.noted:
            self._tally.noted[turn.noted] += 1
            more["noted"] = turn.noted
        if self._refused:
            more["refused"] = self._refused
        elif turn.plan and (again := turn.plan.get("again")):
            self._tally.noted[str(again)] += 1
        self._refused = 0
        self._folder.turn(self._index, number, side, turn.message, turn.usage, turn.plan, **more)

    def _refuse(self, side: str, reply: Reply, check: str | None) -> None:
        """Keep a reply that became no turn; what is said next may still become one."""
        self._refused += isinstance(reply, Completion)
        self.usage[side] += reply.usage
        if check is not None:
            self._tally.noted[check] += 1
        self._folder.reply(self._index, side, written(reply), reply.usage, check)

    def give_up(self, usage: Usage | None = None, noted: str | None = None) -> None:
        """Keep that the dialogue is given up, once; what the assistant's last reply cost, and the check that it failed,
        where that has no line.

        The line is counted when the dialogue is tried again.
        """
        if self._given_up:
            return
        self._given_up = True
        usage = usage or Usage()
        self.usage["assistant"] += usage
        if noted is not None:
            self._tally.noted[noted] += 1
        self._folder.spent(self._index, "assistant", usage, noted)

    def by_side(self) -> dict[str, Usage]:
        """What was paid, for a record: several assistants are one side."""
        sides: defaultdict[str, Usage] = defaultdict(Usage)
        for role, paid in self.usage.items():
            sides[side_of(role)] += paid
        return dict(sides)
