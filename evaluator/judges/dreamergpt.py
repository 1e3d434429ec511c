"""DreamerGPT's sheet: up to eight systems at once, 0-10 each, totals by category."""

import re

from evaluator.protocol import LONGEST, Judge, Pairing, Reply, Unreadable, number
from evaluator.records import Figure, Point, Verdict
from evaluator.verdicts import score_points
from evaluator.winning import category_totals, score_figures
from generator.client.chat import Sampling

MOST = 8
"""Systems on one sheet."""
LOW, HIGH = 0.0, 10.0
_LINE = re.compile(
    r"[*\-_# ]*(?:System|系统)\s*(\d)[*_ ]*[:：][*_ ]*(\d+(?:\.\d+)?)[*_ ]*(?:/ ?10|分)?[*_ ]*(?:[;；,，.。].*)?", re.I
)


class DreamerGpt(Judge):
    """The order of the systems is shuffled for each item; upstream had one order for all."""

    shape = "sheet"
    orders = "shuffled"
    sampling = Sampling(temperature=0.0, max_tokens=2048)
    headline, unit, scale = "mean_score", "points of 10", (LOW, HIGH)

    def read(self, reply: Reply) -> Verdict:
        """A line for each system, once each, in any order."""
        found: dict[int, float] = {}
        for line in reply.text[:LONGEST].splitlines():
            match = _LINE.fullmatch(line.strip()[:2_000])
            if match is None:
                continue
            place = int(match[1])
            if place in found:
                raise Unreadable(f"two lines for system {place}")
            found[place] = number(match[2], LOW, HIGH)
        if sorted(found) != list(range(1, reply.shown + 1)):
            raise Unreadable(f"scores for {len(found)} systems of {reply.shown}")
        return Verdict(scores=tuple(found[place] for place in sorted(found)))

    def points(self, pairing: Pairing) -> list[Point]:
        """Every score."""
        return score_points(pairing)

    def more(self, pairing: Pairing) -> list[Figure]:
        """Totals by category (ten items make a hundred), and what the judge leans to."""
        return [*category_totals(pairing), *score_figures(pairing)]
