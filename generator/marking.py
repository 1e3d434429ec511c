"""Problems whose answers code works out: the answers, and an assistant whose replies are held against them.

A wrong reply ends its dialogue, and goes with it to failures.jsonl, so that none stands among the good ones. It is no
turn of the journal: a run with --retry-failed asks for it anew.
"""

from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from dialogue.errors import ReplyFailed
from dialogue.records import Message, Usage
from dialogue.solutions import FIGURE, due, untold, wrong
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


def problem_of(sector: Sector, plan: ToolPlan) -> dict[str, JsonValue] | None:
    """The problem of a dialogue as its seed has it; None where there is none."""
    task = plan.task
    if sector.problem_file is None or task is None or task.argument is None or task.then_argument is None:
        return None
    return {
        "asks": task.clause,
        "figures": [*FIGURE.findall(task.clause)],
        "argument": task.argument,
        "answer": answer_of(task.tool, task.argument),
        "then": {
            "fact": task.then,
            "figures": [task.then_figure],
            "argument": task.then_argument,
            "answer": answer_of(task.tool, task.then_argument),
        },
    }


def answer_of(tool: str, argument: str) -> str:
    """The value of an expression, or what x is in an equation."""
    if tool == "Calculate":
        return Calculator().call(argument).text
    return Solver().call(argument).text.removeprefix("x = ").partition(" (about")[0]


def marked(
    assistant: Agent,
    problem: Mapping[str, JsonValue] | None,
    acts: Sequence[Mapping[str, JsonValue]],
    unused: Callable[[Usage], None],
) -> Agent:
    """The assistant, under the eyes of the problem, where there is one."""
    return Marked(assistant, problem, acts, unused) if problem else assistant


class Marked:
    """An assistant whose stated answers are marked."""

    def __init__(
        self,
        assistant: Agent,
        problem: Mapping[str, JsonValue],
        acts: Sequence[Mapping[str, JsonValue]],
        unused: Callable[[Usage], None],
    ) -> None:
        """`acts` are the plans of the user's turns, a list that grows with them; `unused` hears of a wrong reply."""
        self._assistant = assistant
        self._problem = problem
        self._acts = acts
        self._unused = unused

    async def reply(self, history: Sequence[Message]) -> Turn | None:
        """The assistant's turn. ReplyFailed where the user left out a figure, WrongAnswer where the answer is wrong."""
        turn = sum(message.role == "user" for message in history)
        wanted = due(self._problem, self._acts, turn)
        if figure := untold(wanted, history[-1].content):
            raise ReplyFailed("opener" if turn == 1 else "bad_reply", f"untold: the user's message lacks {figure}")
        said = await self._assistant.reply(history)
        if said is not None and (detail := wrong(wanted, said.message.content)):
            self._unused(said.usage)
            raise WrongAnswer(said.message, detail)
        return said
