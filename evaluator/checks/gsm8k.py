"""GSM8K: the number that an answer ends with, beside that of the worked solution (Cobbe et al. 2021, arXiv 2110.14168).

`strict` wants it after `####`, `flexible` takes the last number of the text, as lm-eval's two filters do; but of
several `####` the last counts, since models that reason aloud recite the form before they fill it. Both are reported:
on one and the same run they have been 0.20 and 0.78.
"""

import re
from decimal import Decimal, InvalidOperation

from evaluator.check import Check, Grades
from evaluator.records import Answer, Item

FORM = "\n\nWork it out step by step. End with a line that holds nothing but #### and the number, as in: #### 42"
_MARKED = re.compile(r"####[ \t]*\$?(-?[\d,]*\.?\d+)")
_NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?|-?\$?\.\d+")
_LONGEST = 400_000


class Gsm8k(Check):
    """Exact numbers; comma, dollar and a final dot do not count."""

    headline = "strict"
    figures = ("strict", "flexible")

    def ask(self, item: Item) -> tuple[str, ...]:
        """The problem, and the form in which the answer is to end."""
        return (super().ask(item)[0] + FORM,)

    def fits(self, item: Item) -> str | None:
        """Its solution has to end with a number after ####."""
        return None if gold(item) is not None else "no `#### number` in its answer"

    def grades(self, item: Item, answer: Answer) -> Grades:
        """Whether the number is right, read both ways."""
        text = answer.turns[-1][-_LONGEST:] if answer.turns else ""
        wanted = gold(item)
        found = {"strict": marked(text), "flexible": last_number(text)}
        return {name: [float(value is not None and value == wanted)] for name, value in found.items()}


def gold(item: Item) -> Decimal | None:
    """The number of the worked solution."""
    return marked(item.references[0]) if item.references else None


def marked(text: str) -> Decimal | None:
    """The number after the last ####."""
    found = _MARKED.findall(text)
    return value(found[-1]) if found else None


def last_number(text: str) -> Decimal | None:
    """The last number of the text."""
    found = _NUMBER.findall(text)
    return value(found[-1]) if found else None


def value(text: str) -> Decimal | None:
    """A number as it is written, without commas, dollar signs and a final dot: 1,000 and 1000.0 are equal."""
    try:
        return Decimal(text.replace(",", "").replace("$", "").strip().rstrip("."))
    except InvalidOperation:
        return None


def solution_is_correct(solution: str, wanted: str) -> bool:
    """OpenAI's own verdict on the published model solutions: what stands after the last line's `A:`, as text."""
    lines = [line for line in solution.split("\n") if line.startswith("A:")]
    if not lines:
        return False
    return lines[-1].removeprefix("A:").strip().replace(",", "").replace("$", "") == wanted.replace(",", "").strip()
