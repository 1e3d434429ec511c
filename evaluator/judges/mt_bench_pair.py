"""MT-bench, pairwise: A, B or a tie, both orders (Zheng et al. 2023, arXiv 2306.05685; FastChat llm_judge)."""

import re

from evaluator.judges.mt_bench import TEMPERATURES
from evaluator.protocol import LONGEST, Judge, Pairing, Reply, Unreadable, explained, json_reply
from evaluator.records import Figure, Item, Point, Verdict
from evaluator.verdicts import agreed_points
from evaluator.winning import bias_figures, outcomes
from generator.client.chat import Sampling

PREFERENCE = {"A": 1.0, "B": 0.0, "C": 0.5}
_VERDICT = re.compile(r"\[\[([ABC])\]\]")


class MtBenchPair(Judge):
    """A win needs both orders; disagreement and ties are ties. FastChat takes a text with two verdicts for an A: here
    it is unreadable."""

    shape = "pair"
    each_turn = True
    sampling = Sampling(temperature=0.0, max_tokens=2048)
    schema = explained(explanation={"type": "string"}, verdict={"type": "string", "enum": list(PREFERENCE)})
    headline, unit, scale = "adjusted_win_rate", "percent", (0.0, 100.0)

    def answer_sampling(self, item: Item) -> Sampling:
        """By category."""
        default = 0.7 if item.category is None else 0.0
        return Sampling(temperature=TEMPERATURES.get(item.category or "", default))

    def read(self, reply: Reply) -> Verdict:
        """The one verdict."""
        found = json_reply(reply.text, "verdict")
        if found is not None:
            if not isinstance(found["verdict"], str) or found["verdict"] not in PREFERENCE:
                raise Unreadable(f"verdict {str(found['verdict'])[:40]!r}")
            return Verdict(preference=PREFERENCE[found["verdict"]], read_as="json")
        said = set(_VERDICT.findall(reply.text[:LONGEST]))
        if len(said) != 1:
            raise Unreadable(f"{len(said)} different verdicts" if said else "no [[A]], [[B]] or [[C]]")
        return Verdict(preference=PREFERENCE[said.pop()])

    def points(self, pairing: Pairing) -> list[Point]:
        """1 for a win in both orders, 0.5 for a tie, 0 for a loss in both."""
        return agreed_points(pairing)

    def more(self, pairing: Pairing) -> list[Figure]:
        """Wins, losses and ties, and what the judge leans to."""
        return [*outcomes(pairing, agreed_points(pairing)), *bias_figures(pairing)]
