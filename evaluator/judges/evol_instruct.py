"""WizardLM's Evol-Instruct test set: two scores as Vicuna-bench has them, by skill (arXiv 2304.12244)."""

from evaluator.judges.vicuna_bench import first_line
from evaluator.protocol import Judge, Pairing, Reply
from evaluator.records import Figure, Point, Verdict
from evaluator.verdicts import compared_points
from evaluator.winning import bias_figures, outcomes, score_ratio, score_ratio_by_category
from generator.client.chat import Sampling


class EvolInstruct(Judge):
    """Both orders, where upstream had one; the ratio of scores by skill."""

    shape = "pair"
    sampling = Sampling(temperature=0.2, max_tokens=1024)
    headline, unit, scale = "adjusted_win_rate", "percent", (0.0, 100.0)
    baseline_wanted = True

    def read(self, reply: Reply) -> Verdict:
        """Two numbers on the first line."""
        return Verdict(scores=first_line(reply.text))

    def points(self, pairing: Pairing) -> list[Point]:
        """1 for the higher mean score, 0.5 for equal ones."""
        return compared_points(pairing)

    def more(self, pairing: Pairing) -> list[Figure]:
        """The ratio of scores, whole and by skill, wins, and what the judge leans to."""
        ratios = [*score_ratio(pairing), *score_ratio_by_category(pairing)]
        return [*ratios, *outcomes(pairing, compared_points(pairing)), *bias_figures(pairing)]
