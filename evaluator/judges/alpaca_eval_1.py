"""AlpacaEval 1: two outputs put into an order, shown once in an order drawn from the instruction (alpaca_eval_gpt4)."""

import ast

from evaluator.protocol import Judge, Pairing, Reply, Unreadable
from evaluator.records import Figure, Point, Verdict
from evaluator.verdicts import preference_points
from evaluator.winning import bias_figures, discrete
from generator.client.chat import Sampling

LONGEST = 2_000


class AlpacaEval1(Judge):
    """The reply is a literal list of two dictionaries with `model` and `rank`."""

    shape = "pair"
    orders = "seeded"
    sampling = Sampling(temperature=0.0, max_tokens=100)
    headline, unit, scale = "win_rate", "percent", (0.0, 100.0)
    baseline_wanted = True

    def read(self, reply: Reply) -> Verdict:
        """1 where the first shown has rank 1."""
        ranks = _ranks(reply.text)
        if sorted(ranks.values()) != [1, 2] or set(ranks) != {"model_1", "model_2"}:
            raise Unreadable("not one rank 1 and one rank 2")
        return Verdict(preference=1.0 if ranks["model_1"] == 1 else 0.0)

    def points(self, pairing: Pairing) -> list[Point]:
        """How much the system is preferred, 0 to 1."""
        return preference_points(pairing)

    def more(self, pairing: Pairing) -> list[Figure]:
        """The discrete rate, and what the judge leans to."""
        return [*discrete(pairing), *bias_figures(pairing)]


def _ranks(text: str) -> dict[str, int]:
    said = text.strip()
    if len(said) > LONGEST:
        raise Unreadable(f"{len(said)} characters, where a list of two dictionaries was asked for")
    start, end = said.find("["), said.rfind("]")
    try:
        found = ast.literal_eval(said[start : end + 1]) if 0 <= start < end else None
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        found = None
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found) or len(found) != 2:
        raise Unreadable("not a list of two dictionaries")
    return {str(row.get("model")): row["rank"] for row in found if type(row.get("rank")) is int}
