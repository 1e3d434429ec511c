"""A whole conversation graded 1-10: what holds it together, as UltraChat's table has coherence (arXiv 2305.14233)."""

from evaluator.judges.mt_bench import HIGH, LOW, rating
from evaluator.protocol import Judge, Pairing, Reply, explained
from evaluator.records import Figure, Point, Verdict
from evaluator.verdicts import score_points
from evaluator.winning import score_figures
from generator.client.chat import Sampling


class Coherence(Judge):
    """One call for all turns together."""

    shape = "single"
    sampling = Sampling(temperature=0.0, max_tokens=1024)
    schema = explained(explanation={"type": "string"}, rating={"type": "number"})
    headline, unit, scale = "coherence", "points of 10", (LOW, HIGH)

    def read(self, reply: Reply) -> Verdict:
        """The grade."""
        return rating(reply)

    def points(self, pairing: Pairing) -> list[Point]:
        """Every grade."""
        return score_points(pairing)

    def more(self, pairing: Pairing) -> list[Figure]:
        """What the judge leans to."""
        return score_figures(pairing)
