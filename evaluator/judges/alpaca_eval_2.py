"""AlpacaEval 2: one token, its log-probabilities are the preference (weighted_alpaca_eval_gpt4_turbo).

Length control is `evaluator.stats.length`; the report shows raw, discrete and controlled rates side by side.
"""

import math
from collections.abc import Iterable

from evaluator.judges.alpaca_eval_1 import AlpacaEval1
from evaluator.protocol import Reply, Unreadable
from evaluator.records import Verdict
from generator.client.chat import Sampling

FIRST, SECOND = "m", "M"
"""The signs of the two outputs, in the order in which they are shown."""


class AlpacaEval2(AlpacaEval1):
    """Where an endpoint gives no log-probabilities, the token itself is the verdict, and `read_as` says so."""

    sampling = Sampling(temperature=1.0, max_tokens=1)
    top_logprobs = 5

    def read(self, reply: Reply) -> Verdict:
        """How likely the first shown is the sign, among both."""
        if reply.alternatives:
            return Verdict(preference=preference(reply.alternatives), read_as="logprobs")
        said = reply.text.strip()
        if said not in (FIRST, SECOND):
            raise Unreadable(f"{said[:40]!r} is neither {FIRST} nor {SECOND}")
        return Verdict(preference=float(said == FIRST), read_as="text")


def preference(alternatives: Iterable[tuple[str, float]]) -> float:
    """p(m) / (p(m) + p(M)): how much the output shown first is preferred. An absent token counts 0.

    Raises Unreadable where both are absent.
    """
    odds = {FIRST: 0.0, SECOND: 0.0}
    for token, logprob in alternatives:
        if token in odds and math.isfinite(logprob):
            odds[token] = max(odds[token], math.exp(min(logprob, 0.0)))
    total = sum(odds.values())
    if total == 0:
        raise Unreadable(f"neither {FIRST} nor {SECOND} among the likeliest tokens")
    return odds[FIRST] / total
