"""Problems whose answers code has worked out: what a turn has to tell, what its reply has to state, whether it does.

Read from the seed of a dialogue whose sector has problems (prompts/tasks.py): `extra.problem` has the figures and the
answer, with those that hold after a figure changed, `extra.acts` the turn that changes it. A reply states an answer in
a line of its own, "Answer: 42", so that nothing has to be understood to mark it. A run marks its dialogues by this,
and a filter those of any file.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from pydantic import Field, ValidationError

from dialogue.records import Dialogue, Record

FIGURE = re.compile(r"[0-9]+(?:\.[0-9]+)?")
ANSWER = r"^-?[0-9]+(\.[0-9]+|/[1-9][0-9]*)?$"
_STATED = re.compile(r"^[^\w\n]*(?:Answer|答案)[^\w\n:]*:(.*)$", re.MULTILINE | re.IGNORECASE)
_VALUE = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?: ?/ ?[0-9]+)?")
_THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")

SHOWN_CHARACTERS = 40


class Change(Record):
    """A figure of the problem that is another one later."""

    fact: str
    """How the user comes out with it."""
    figures: tuple[str, ...]
    argument: str
    """What works out the answer: an expression, or an equation for x."""
    answer: str = Field(pattern=ANSWER)


class Problem(Record):
    """A problem as the seed has it."""

    asks: str
    figures: tuple[str, ...]
    """All that its user's first message has to hold."""
    argument: str
    answer: str = Field(pattern=ANSWER)
    then: Change


class Due(NamedTuple):
    """What belongs to one round."""

    answer: str
    """As computed, with the figures that hold in it."""
    figures: tuple[str, ...]
    """What the user's message has to hold: all figures of the problem, or the one that changes; mostly none."""


class Mark(NamedTuple):
    """What is wrong with a round."""

    place: int
    """Where in `messages`."""
    reason: str
    """`wrong`: another answer is stated, or none where the figures are new; `untold`: the user left out a figure."""
    detail: str


def due(problem: Problem, acts: Sequence[Mapping[str, Any]], turn: int) -> Due:
    """What is due in the round `turn`, from 1, by the plans of the user's turns."""
    if turn == 1:
        return Due(problem.answer, problem.figures)
    changed = next((act.get("number") for act in acts if act.get("release")), None)
    if not isinstance(changed, int) or changed > turn:
        return Due(problem.answer, ())
    return Due(problem.then.answer, problem.then.figures if changed == turn else ())


def untold(wanted: Due, message: str) -> str | None:
    """The first figure that the user's message leaves out; None where it has all."""
    found = FIGURE.findall(_plain(message))
    return next((figure for figure in wanted.figures if figure not in found), None)


def wrong(wanted: Due, reply: str) -> str | None:
    """What the reply states and what it is, where the two differ; a reply that only explains need state none."""
    stated = [line.strip(" *_`.$\t") for line in _STATED.findall(_plain(reply))]
    if not stated:
        return f"stated nothing, computed {wanted.answer}" if wanted.figures else None
    other = next((line for line in stated if _value(line) != Fraction(wanted.answer)), None)
    return None if other is None else f"stated {other[:SHOWN_CHARACTERS] or 'nothing'}, computed {wanted.answer}"


def marks(dialogue: Dialogue) -> Iterator[Mark]:
    """All that is wrong with a dialogue; nothing where its seed has no problem.

    Turns are counted as they were played: a filter that takes out rounds has to come after whoever asks this.
    """
    try:
        problem = Problem.model_validate(dialogue.seed.extra.get("problem"))
    except ValidationError:
        return
    acts = dialogue.seed.extra.get("acts")
    plans = [act for act in acts if isinstance(act, dict)] if isinstance(acts, list) else []
    turn = 0
    for place, message in enumerate(dialogue.messages):
        if message.role == "user":
            turn += 1
            if figure := untold(due(problem, plans, turn), message.content):
                yield Mark(place, "untold", f"the user did not tell {figure}")
        elif message.role == "assistant" and (detail := wrong(due(problem, plans, turn), message.content)):
            yield Mark(place, "wrong", detail)


def _plain(text: str) -> str:
    """The text in plain digits and colons, without the commas in thousands."""
    return _THOUSANDS.sub("", unicodedata.normalize("NFKC", text))


def _value(line: str) -> Fraction | None:
    """The only number of a line; None where it has none, or several."""
    found = _VALUE.findall(line)
    if len(found) != 1:
        return None
    over, _, under = found[0].partition("/")
    below = Fraction(under.strip() or 1)
    return Fraction(over.strip()) / below if below else None
