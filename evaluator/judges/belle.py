"""BELLE's evaluation set: a prompt for each of eleven classes, in Chinese, 0-1 after 得分 (arXiv 2304.07854)."""

import re

from evaluator.protocol import LONGEST, Judge, Pairing, Reply, Unreadable, explained, json_reply, number
from evaluator.records import Figure, Point, Verdict
from evaluator.verdicts import score_points
from evaluator.winning import macro_mean, score_figures
from generator.client.chat import Sampling

LOW, HIGH = 0.0, 1.0
_SCORE = re.compile(r"得分[*_ 为是]*[:：][*_ ]*(\d+(?:\.\d+)?)")


class Belle(Judge):
    """The last score counts: a judge that repeats the form of the reply repeats it before its own."""

    shape = "single"
    sampling = Sampling(temperature=0.0, max_tokens=1024)
    schema = explained(理由={"type": "string"}, 得分={"type": "number"})
    headline, unit, scale = "mean_score", "points of 1", (LOW, HIGH)

    def read(self, reply: Reply) -> Verdict:
        """The number after 得分."""
        found = json_reply(reply.text, "得分")
        if found is not None:
            return Verdict(scores=(number(found["得分"], LOW, HIGH),), read_as="json")
        said = _SCORE.findall(reply.text[-LONGEST:])
        if not said:
            raise Unreadable("no 得分")
        return Verdict(scores=(number(said[-1], LOW, HIGH),))

    def points(self, pairing: Pairing) -> list[Point]:
        """Every score."""
        return score_points(pairing)

    def more(self, pairing: Pairing) -> list[Figure]:
        """The mean of the classes' means, and what the judge leans to."""
        return [*macro_mean(pairing, self.unit), *score_figures(pairing)]
