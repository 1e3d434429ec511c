"""Problems whose answers code works out: the answers, and an assistant whose replies are held against them.

A wrong reply ends its dialogue, and goes with it to failures.jsonl, so that none stands among the good ones. It is no
turn of the journal: a run with --retry-failed asks for it anew.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from dialogue.errors import ReplyFailed, UsageError
from dialogue.records import Message, Usage
from dialogue.solutions import ANSWER, FIGURE, Change, Problem, due, untold, wrong
from generator.play import Agent, Turn
from generator.tools.calculator import Calculator
from generator.tools.solver import Solver
from prompts.sector import Sector
from prompts.tasks import ToolPlan


class WrongAnswer(ReplyFailed):
    """A reply that states another answer than the computed one; the dialogue's record has it as its last message."""

    def __init__(self, message: Message, detail: str) -> None:
        super().__init__("wrong_answer", detail)
        self.message = message


def problem_of(sector: Sector, plan: ToolPlan) -> Problem | None:
    """The problem of a dialogue with its answers; None where there is none."""
    task = plan.task
    if sector.problem_file is None or task is None:
        return None
    assert task.argument is not None
    assert task.then_argument is not None
    then = Change(
        fact=task.then,
        figures=tuple(FIGURE.findall(task.then)),
        argument=task.then_argument,
        answer=answer_of(task.tool, task.then_argument),
    )
    return Problem(
        asks=task.clause,
        figures=tuple(FIGURE.findall(task.clause)),
        argument=task.argument,
        answer=answer_of(task.tool, task.argument),
        then=then,
    )


def answer_of(tool: str, argument: str) -> str:
    """The value of an expression, or what x is in an equation. Raises UsageError where that is no figure."""
    found = (Calculator() if tool == "Calculate" else Solver()).call(argument)
    text = found.text.removeprefix("x = ").partition(" (about")[0]
    if not re.fullmatch(ANSWER, text):
        raise UsageError(f"problem {argument!r}: {found.error or found.text!r}, expected one figure for an answer")
    return text


def marked(
    assistant: Agent,
    problem: Problem | None,
    acts: Sequence[Mapping[str, JsonValue]],
    give_up: Callable[[Usage], None],
) -> Agent:
    """The assistant, under the eyes of the problem, where there is one."""
    return Marked(assistant, problem, acts, give_up) if problem else assistant


class Marked:
    """An assistant whose stated answers are marked."""

    def __init__(
        self,
        assistant: Agent,
        problem: Problem,
        acts: Sequence[Mapping[str, JsonValue]],
        give_up: Callable[[Usage], None],
    ) -> None:
        """`acts` are the plans of the user's turns, a list that grows with them; `give_up` hears of a wrong reply."""
        self._assistant = assistant
        self._problem = problem
        self._acts = acts
        self._give_up = give_up

    async def reply(self, history: Sequence[Message]) -> Turn | None:
        """The assistant's turn. ReplyFailed where the user left out a figure, WrongAnswer where the answer is wrong."""
        turn = sum(message.role == "user" for message in history)
        wanted = due(self._problem, self._acts, turn)
        if figure := untold(wanted, history[-1].content):
            raise ReplyFailed("opener" if turn == 1 else "bad_reply", f"untold: the user's message lacks {figure}")
        said = await self._assistant.reply(history)
        if said is not None and (detail := wrong(wanted, said.message.content)):
            self._give_up(said.usage)
            raise WrongAnswer(said.message, detail)
        return said
