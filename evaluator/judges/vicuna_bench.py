"""Vicuna-bench as it was first: two scores on the first line, then the reasons, one fixed order (vicuna-blog-eval)."""

import re
from typing import ClassVar

from evaluator.protocol import Judge, Orders, Pairing, Reply, Unreadable, number
from evaluator.records import Figure, Point, Verdict
from evaluator.verdicts import compared_points
from evaluator.winning import bias_figures, outcomes, score_ratio
from generator.client.chat import Sampling

LOW, HIGH = 1.0, 10.0
_SCORES = re.compile(r"\s*(\d+(?:\.\d+)?)(?:\s*,\s*|[ \t]+)(\d+(?:\.\d+)?)[ \t]*")


class VicunaBench(Judge):
    """The baseline's answer always stands first, as it did then; `faireval` shows both orders."""

    shape = "pair"
    orders: ClassVar[Orders] = "baseline_first"
    sampling = Sampling(temperature=0.2, max_tokens=1024)
    headline, unit, scale = "adjusted_win_rate", "percent", (0.0, 100.0)
    baseline_wanted = True

    def read(self, reply: Reply) -> Verdict:
        """Two numbers on the first line."""
        return Verdict(scores=first_line(reply.text))

    def points(self, pairing: Pairing) -> list[Point]:
        """1 for the higher score, 0.5 for equal ones."""
        return compared_points(pairing)

    def more(self, pairing: Pairing) -> list[Figure]:
        """The ratio of all scores ("90 % of ChatGPT"), wins, and what the judge leans to."""
        return [*score_ratio(pairing), *outcomes(pairing, compared_points(pairing)), *bias_figures(pairing)]


def first_line(text: str) -> tuple[float, float]:
    """The two scores that are all of the first line, with a comma or blanks between them; raises Unreadable.

    A first line with other words is none: in published files such rows were mended by hand.
    """
    line = text.strip().split("\n", 1)[0][:200]
    match = _SCORES.fullmatch(line)
    if match is None:
        raise Unreadable("the first line is not two scores")
    return number(match[1], LOW, HIGH), number(match[2], LOW, HIGH)
