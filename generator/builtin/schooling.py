"""The assistant with a word problem, and the openers that bring one.

A problem is known by the wording of prompts/sectors/school-math/problems.toml, as tasks for tools are (tooling.py):
what stands in its slots goes into the expression, and a share of the stated answers is wrong.
"""

import tomllib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

from generator.builtin.grammar import HOME, capital
from generator.builtin.stream import Stream
from generator.builtin.tooling import READ_CHARACTERS, Wish, forms, lowered
from generator.marking import answer_of

FILE = "sectors/school-math/problems.toml"
GUIDE = "sector.math."
"""What the lists of the guide's column are called."""

SAID_AGAIN = 0.4
"""Share of the follow-ups without a new figure whose reply states the answer again."""

SLIPS = (-10, -2, -1, 1, 2, 10)


def solution(texts: Sequence[str], language: str, stream: Stream, wrong_share: float) -> str | None:
    """The reply to the last of the user's turns; None where the first one brings no problem that is known."""
    say, found = _wording(language), _problem(texts, language)
    if found is None:
        return None
    wish, new = found
    answer = answer_of(wish.tool, wish.argument)
    states = new or stream.share() < SAID_AGAIN
    if states and stream.share() < wrong_share:
        answer = f"{float(Fraction(answer) + stream.pick(SLIPS)):.12g}"
    steps = [str(stream.pick(say["first" if new else "again"])), str(stream.pick(say[wish.tool]))]
    steps.append(str(stream.pick(say["check" if new else "why"])))
    text = "\n".join(step.format(e=wish.argument, n=answer) for step in steps)
    return f"{text}\n{say['stated']}{answer}" if states else text


def problem_opener(task: str, form: str, language: str, stream: Stream) -> str | None:
    """An opening message that brings the problem of a spec; None where it is none of ours."""
    if not any(known.pattern.fullmatch(task) for known in forms(language, FILE)):
        return None
    return capital(str(stream.pick(_wording(language)["ask"][form])).format(x=task))


def _problem(texts: Sequence[str], language: str) -> tuple[Wish, bool] | None:
    """What works the problem out as it stands, and whether the last message brings it or changes it."""
    first = lowered(texts[0])
    for form in forms(language, FILE):
        if task := form.pattern.search(first):
            figures, new = task.groupdict(), len(texts) == 1
            for text in texts[1:]:
                if then := form.then.search(text[:READ_CHARACTERS].lower()):
                    figures, new = figures | then.groupdict(), text is texts[-1]
            return Wish(form.tool, form.argument.format_map(figures)), new
    return None


@cache
def _wording(language: str) -> Mapping[str, Any]:
    table: Mapping[str, Any] = tomllib.loads((HOME / "school.toml").read_text(encoding="utf-8"))[language]
    return table
