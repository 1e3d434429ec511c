"""OpenChat's evaluation: reasons first, then two scores, in both orders, prompts by category (openchat 1 and 2)."""

import json
import re

from evaluator.protocol import LONGEST, Judge, Pairing, Reply, Unreadable, explained, json_reply, number
from evaluator.records import Figure, Point, Verdict
from evaluator.verdicts import compared_points
from evaluator.winning import bias_figures, outcomes, score_ratio
from generator.client.chat import Sampling

LOW, HIGH = 1.0, 10.0
_SPACED = re.compile(r"(\d+(?:\.\d+)?)\s+(\d+(?:\.\d+)?)")


class OpenChat(Judge):
    """Read from the last line upwards: two numbers, or a JSON list of two. Upstream took an unreadable review for two
    zeros; here it has no verdict."""

    shape = "pair"
    sampling = Sampling(temperature=0.2, max_tokens=1024)
    schema = explained(explanation={"type": "string"}, scores={"type": "array", "items": {"type": "number"}})
    headline, unit, scale = "win_rate_without_ties", "percent", (0.0, 100.0)
    baseline_wanted = True

    def read(self, reply: Reply) -> Verdict:
        """The two scores."""
        found = json_reply(reply.text, "scores")
        if found is not None:
            return Verdict(scores=_two(found["scores"]), read_as="json")
        for line in reversed(reply.text[-LONGEST:].splitlines()):
            spaced = _SPACED.fullmatch(line.strip())
            if spaced:
                return Verdict(scores=_two([spaced[1], spaced[2]]))
            if (listed := _listed(line.strip())) is not None:
                return Verdict(scores=_two(listed))
        raise Unreadable("no line of two scores")

    def points(self, pairing: Pairing) -> list[Point]:
        """1 for a win by the mean over both orders, 0 for a loss; ties are left out, as OpenChat counts."""
        return [point for point in compared_points(pairing) if point.value != 0.5]

    def more(self, pairing: Pairing) -> list[Figure]:
        """The ratio of scores ("105.7 % of ChatGPT"), wins with ties, and what the judge leans to."""
        return [*score_ratio(pairing), *outcomes(pairing, compared_points(pairing)), *bias_figures(pairing)]


def _listed(line: str) -> list[object] | None:
    if not (line.startswith("[") and line.endswith("]") and len(line) < 200):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and len(found) == 2 else None


def _two(values: object) -> tuple[float, float]:
    if not isinstance(values, list) or len(values) != 2:
        raise Unreadable("not two scores")
    return number(values[0], LOW, HIGH), number(values[1], LOW, HIGH)
