"""What a judge protocol is: who is shown to the judge, in which words, and how its reply is read.

A protocol is one file of `evaluator/judges/` with its template `prompts/judging/NAME.j2`; nobody else has to know of
it. It differs from the others in three things: `messages`, `read`, and which figures it makes of the verdicts (`points`
for the one that systems are ranked by, `more` for the others). `read` raises Unreadable: an unreadable reply is
counted, and never becomes a number.
"""

import json
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from dialogue.chance import hex64
from dialogue.errors import UsageError
from evaluator.records import Answer, Figure, Item, Judgment, Point, Verdict
from evaluator.score import Protocol
from generator.client.chat import Sampling
from prompts.loader import Prompts

HOME = Path(__file__).parent / "judges"
LONGEST = 400_000
"""Characters of a reply that are read: no regular expression has to walk a server's gigabyte."""

Shape = Literal["single", "pair", "sheet"]
"""How many answers a judge sees: one, two, or all systems' at once."""
Orders = Literal["both", "seeded", "baseline_first", "shuffled"]


class Unreadable(ValueError):
    """A reply without a verdict; says why."""


class View(NamedTuple):
    """What one call shows."""

    item: Item
    answers: tuple[Answer, ...]
    """In the order in which they are shown."""
    turn: int | None
    """From 1: the turn that is judged, with all before it; None: the whole answer."""


class Reply(NamedTuple):
    """What came back."""

    text: str
    alternatives: tuple[tuple[str, float], ...] = ()
    """The first token's alternatives with their log-probabilities."""
    shown: int = 1
    """How many answers were shown."""


class Pairing(NamedTuple):
    """All verdicts of a protocol on one benchmark that a system's figures come from."""

    system: str
    against: str | None
    judgments: Sequence[Judgment]
    """Parsed ones alone."""
    orders: int = 1
    """In how many orders each question was asked: one that lacks an order's verdict has no outcome."""


class Judge(Protocol):
    """One protocol."""

    shape: ClassVar[Shape]
    orders: ClassVar[Orders] = "both"
    samples: ClassVar[int] = 1
    """Calls for each view, drawn anew."""
    each_turn: ClassVar[bool] = False
    """One call for every turn, or one for the whole."""
    sampling: ClassVar[Sampling] = Sampling(temperature=0.0)
    top_logprobs: ClassVar[int | None] = None
    schema: ClassVar[dict[str, Any] | None] = None
    again: ClassVar[str | None] = None
    """What is said after a reply without a verdict, once; None: it stays without."""
    baseline_wanted: ClassVar[bool] = False
    """Whether it compares with one baseline, and never systems with one another."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.template = f"judging/{name}.j2"

    def messages(self, prompts: Prompts, view: View) -> list[dict[str, str]]:
        """The judge's prompt: a system message where the template has one, and the user's."""
        fields = self.fields(view)
        system, user = (prompts.render(self.template, part=part, **fields) for part in ("system", "user"))
        said = [{"role": "system", "content": system}] if system else []
        return [*said, {"role": "user", "content": user}]

    def fields(self, view: View) -> dict[str, Any]:
        """What the template is given."""
        last = view.turn or len(view.item.turns)
        answers = [list(answer.turns[:last]) for answer in view.answers]
        questions = list(view.item.turns[:last])
        return {
            "questions": questions,
            "answers": answers,
            "references": list(view.item.references[:last]),
            "passage": view.item.passage,
            "category": view.item.category,
            "turn": view.turn,
            # A code made of the texts cannot stand in them but by an accident of 1 in 2**32: none can end its own part.
            "mark": hex64(*questions, *(text for turns in answers for text in turns))[:8],
        }

    @abstractmethod
    def read(self, reply: Reply) -> Verdict:
        """The verdict in a reply; raises Unreadable."""

    @abstractmethod
    def points(self, pairing: Pairing) -> list[Point]:
        """The values whose mean is the headline."""

    def more(self, pairing: Pairing) -> list[Figure]:
        """Further figures; benchmark, protocol and counts are filled in by the report."""
        return []


@cache
def judge(name: str) -> Judge:
    """The protocol of this name; UsageError that names the near ones."""
    if name not in judges():
        from difflib import get_close_matches

        near = get_close_matches(name.replace("-", "_"), judges(), n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(judges())}"
        raise UsageError(f"--protocol {name}: no evaluator/judges/{name}.py; {hint}")
    module = import_module(f"evaluator.judges.{name}")
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Judge) and value.__module__ == module.__name__
    )
    return found(name)


def judges() -> list[str]:
    """The names of all protocols."""
    return sorted(path.stem for path in HOME.glob("*.py") if path.stem != "__init__")


def json_reply(text: str, *fields: str) -> Mapping[str, Any] | None:
    """The JSON object that a whole reply is, with or without a fence; None where it is none or lacks a field."""
    said = text.strip()
    fenced = re.fullmatch(r"```(?:json)?\s*\n(.*)\n\s*```", said[:LONGEST], re.DOTALL)
    if fenced:
        said = fenced[1].strip()
    if not said.startswith("{"):
        return None
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and all(field in found for field in fields) else None


def number(value: Any, low: float, high: float, what: str = "score") -> float:
    """A value as a number within its scale; raises Unreadable."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Unreadable(f"{what} is {type(value).__name__}, not a number")
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise Unreadable(f"{what} {str(value)[:40]!r} is no number") from None
    if not low <= found <= high:
        raise Unreadable(f"{what} {found:g} is not within {low:g}-{high:g}")
    return found


def explained(**properties: Any) -> dict[str, Any]:
    """A JSON schema of these properties in this order: what is written first is weighed by what comes after it."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
