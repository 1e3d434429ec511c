"""A rubric of five steps, with a reference answer or without: for benchmarks that have no protocol of their own."""

import re

from evaluator.protocol import LONGEST, Judge, Pairing, Reply, Unreadable, explained, json_reply, number
from evaluator.records import Figure, Point, Verdict
from evaluator.verdicts import score_points
from evaluator.winning import score_figures
from generator.client.chat import Sampling

LOW, HIGH = 1.0, 5.0
_END = re.compile(r"\[RESULT\]\s*[:：]?\s*\(?([1-5])\)?[.*\s]*\Z")


class Rubric(Judge):
    """The score is a whole number at the very end, after [RESULT]."""

    shape = "single"
    sampling = Sampling(temperature=0.0, max_tokens=1024)
    schema = explained(feedback={"type": "string"}, score={"type": "integer", "enum": [1, 2, 3, 4, 5]})
    headline, unit, scale = "mean_score", "points of 5", (LOW, HIGH)

    def read(self, reply: Reply) -> Verdict:
        """The score."""
        found = json_reply(reply.text, "score")
        if found is not None:
            score = number(found["score"], LOW, HIGH)
            if score != int(score):
                raise Unreadable(f"score {score:g} is no whole number")
            return Verdict(scores=(score,), read_as="json")
        match = _END.search(reply.text[-LONGEST:])
        if match is None:
            raise Unreadable("does not end with [RESULT] and a whole number from 1 to 5")
        return Verdict(scores=(float(match[1]),))

    def points(self, pairing: Pairing) -> list[Point]:
        """Every score."""
        return score_points(pairing)

    def more(self, pairing: Pairing) -> list[Figure]:
        """What the judge leans to."""
        return score_figures(pairing)
