"""MT-bench, single answers graded 1-10, a call for each turn (Zheng et al. 2023, arXiv 2306.05685)."""

import re

from evaluator.protocol import LONGEST, Judge, Pairing, Reply, Unreadable, explained, json_reply, number
from evaluator.records import Figure, Item, Point, Verdict
from evaluator.verdicts import score_points
from evaluator.winning import by_turn, score_figures
from generator.client.chat import Sampling

TEMPERATURES = {"writing": 0.7, "roleplay": 0.7, "stem": 0.1, "humanities": 0.1}
"""Of answers, by category; 0 for all others."""
LOW, HIGH = 1.0, 10.0
_DOUBLE = re.compile(r"\[\[(\d+\.?\d*)\]\]")
_SINGLE = re.compile(r"\[(\d+\.?\d*)\]")


class MtBench(Judge):
    """The first [[x]] counts, else the first [x]. A grade outside 1-10 is none."""

    shape = "single"
    each_turn = True
    sampling = Sampling(temperature=0.0, max_tokens=2048)
    schema = explained(explanation={"type": "string"}, rating={"type": "number"})
    headline, unit, scale = "mean_score", "points of 10", (LOW, HIGH)

    def answer_sampling(self, item: Item) -> Sampling:
        """By category; items of other benchmarks have none, and are answered at 0.7 as FastChat does."""
        default = 0.7 if item.category is None else 0.0
        return Sampling(temperature=TEMPERATURES.get(item.category or "", default))

    def read(self, reply: Reply) -> Verdict:
        """The grade."""
        return rating(reply)

    def points(self, pairing: Pairing) -> list[Point]:
        """Every turn's grade."""
        return score_points(pairing)

    def more(self, pairing: Pairing) -> list[Figure]:
        """The mean of each turn, and what the judge leans to."""
        return [*by_turn(pairing, self), *score_figures(pairing)]


def rating(reply: Reply) -> Verdict:
    """A grade from 1 to 10 in JSON or in double brackets; raises Unreadable."""
    found = json_reply(reply.text, "rating")
    if found is not None:
        return Verdict(scores=(number(found["rating"], LOW, HIGH, "rating"),), read_as="json")
    text = reply.text[:LONGEST]
    match = _DOUBLE.search(text) or _SINGLE.search(text)
    if match is None:
        raise Unreadable("no [[rating]]")
    return Verdict(scores=(number(match[1], LOW, HIGH, "rating"),))
