"""Multiple choice by a generated letter (MMLU, arXiv 2009.03300; TruthfulQA's MC1, arXiv 2109.07958).

Chance alone gets one in as many as there are options; the report says how much that is.
"""

import re

from evaluator.check import Check, Grades
from evaluator.options import LETTERS, options, shown
from evaluator.records import Answer, Item

FORM = "\n\nChoose one. You may reason first; end with a line of this form: Answer: <letter>"
_OPEN = r"(?:\\boxed\{|[*_(\[「$ ])*"
_ANSWER = re.compile(rf"(?:(?i:answer)|答案)[*_ ]*(?:(?i:is)|是)?[*_ ]*[:：][*_ ]*{_OPEN}([A-Z])\b")
_SAID = re.compile(rf"(?:(?i:answer) (?i:is)|答案是) ?{_OPEN}([A-Z])\b(?! [a-z])")
_ALONE = re.compile(r"[*_(\[「 ]*([A-Z])(?:[*_]*[.):：\]」][*_]*(?:\s.*)?|[*_ ]*(?:\n.*)?)", re.DOTALL)
_LONGEST = 100_000


class Choice(Check):
    """The last `Answer: X` counts, else the last "answer is X", else a reply that is or begins with a letter."""

    headline = "accuracy"
    figures = ("accuracy", "letter_given", "by_chance")

    def ask(self, item: Item) -> tuple[str, ...]:
        """The question with lettered options."""
        found = options(item)
        return (shown(item, found) + FORM,) if found else super().ask(item)

    def fits(self, item: Item) -> str | None:
        """It needs options and the place of the right one."""
        return None if options(item) else "no options with a right one among them (choices and answer, as in MMLU)"

    def grades(self, item: Item, answer: Answer) -> Grades:
        """Whether the right letter was chosen, and whether any was."""
        found = options(item)
        assert found is not None
        letter = chosen(answer.turns[-1] if answer.turns else "", len(found.texts))
        right = letter is not None and LETTERS.index(letter) in found.right
        by_chance = len(found.right) / len(found.texts)
        return {"accuracy": [float(right)], "letter_given": [float(letter is not None)], "by_chance": [by_chance]}


def chosen(text: str, n: int) -> str | None:
    """The letter that a reply chooses among the first n; None where it chooses none of them."""
    said = text.strip()[-_LONGEST:]
    found = _ANSWER.findall(said) or _SAID.findall(said)
    alone = _ALONE.fullmatch(said)
    letter = found[-1] if found else alone[1] if alone else None
    return letter if letter is not None and letter in LETTERS[:n] else None
