"""WizardLM's Evol-Instruct test set: two scores as Vicuna-bench has them, by skill (arXiv 2304.12244)."""

from evaluator.judges.vicuna_bench import VicunaBench
from evaluator.protocol import Pairing
from evaluator.records import Figure
from evaluator.winning import score_ratio_by_category


class EvolInstruct(VicunaBench):
    """Both orders, where upstream had one; the ratio of scores by skill."""

    orders = "both"

    def more(self, pairing: Pairing) -> list[Figure]:
        """The ratio of scores, whole and by skill, wins, and what the judge leans to."""
        return [*super().more(pairing), *score_ratio_by_category(pairing)]
