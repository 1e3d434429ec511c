"""FairEval: evidence before scores, several samples, both orders (Wang et al. 2023, arXiv 2305.17926)."""

import re

from evaluator.protocol import LONGEST, Judge, Pairing, Reply, Unreadable, explained, json_reply, number
from evaluator.records import Figure, Point, Verdict
from evaluator.verdicts import compared_points
from evaluator.winning import bias_figures, outcomes, score_ratio
from generator.client.chat import Sampling

LOW, HIGH = 1.0, 10.0
_LINE = re.compile(
    r"[*_ ]*Score of (?:the )?Assistant ([12])[*_ ]*[:：][*_ ]*(\d+(?:\.\d+)?)[*_ ]*(?:/ ?10)?[.*_ ]*", re.I
)


class FairEval(Judge):
    """Multiple evidence (k samples at temperature 1) and balanced positions (both orders); the mean decides."""

    shape = "pair"
    samples = 3
    sampling = Sampling(temperature=1.0, max_tokens=512)
    schema = explained(evidence={"type": "string"}, score_1={"type": "number"}, score_2={"type": "number"})
    headline, unit, scale = "adjusted_win_rate", "percent", (0.0, 100.0)

    def read(self, reply: Reply) -> Verdict:
        """The last two lines that hold a score, one of each assistant."""
        found = json_reply(reply.text, "score_1", "score_2")
        if found is not None:
            pair = (number(found["score_1"], LOW, HIGH), number(found["score_2"], LOW, HIGH))
            return Verdict(scores=pair, read_as="json")
        lines = [line.strip() for line in reply.text[-LONGEST:].splitlines() if line.strip()]
        last = [match for line in lines[-2:] if (match := _LINE.fullmatch(line))]
        if [match[1] for match in last] != ["1", "2"]:
            raise Unreadable("the last two lines are not both scores")
        return Verdict(scores=(number(last[0][2], LOW, HIGH), number(last[1][2], LOW, HIGH)))

    def points(self, pairing: Pairing) -> list[Point]:
        """1 for the higher mean score, 0.5 for equal ones."""
        return compared_points(pairing)

    def more(self, pairing: Pairing) -> list[Figure]:
        """Ratio of scores, wins, and what the judge leans to."""
        return [*score_ratio(pairing), *outcomes(pairing, compared_points(pairing)), *bias_figures(pairing)]
