"""Arena-Hard 0.1: the judge answers first, then gives one of five verdicts, in both orders (Li et al. 2024,
arXiv 2406.11939)."""

import re

from evaluator.protocol import LONGEST, Judge, Pairing, Reply, Unreadable, explained, json_reply
from evaluator.records import Figure, Point, Verdict
from evaluator.verdicts import preference_points
from evaluator.winning import bias_figures
from generator.client.chat import Sampling

STRONG = 3.0
"""What a verdict of "much better" weighs."""
VERDICTS = {
    "A>>B": (1.0, STRONG),
    "A>B": (1.0, 1.0),
    "A=B": (0.5, 1.0),
    "B>A": (0.0, 1.0),
    "B>>A": (0.0, STRONG),
}
"""Preference for A, and weight."""
_DOUBLE = re.compile(r"\[\[([AB<>=]+)\]\]")


class ArenaHard(Judge):
    """One verdict in the reply, however often; two different ones are none."""

    shape = "pair"
    sampling = Sampling(temperature=0.0, max_tokens=4096)
    schema = explained(
        own_answer={"type": "string"}, comparison={"type": "string"}, verdict={"type": "string", "enum": list(VERDICTS)}
    )
    again = "Go on from where you stopped, and finish with your final verdict in double square brackets."
    headline, unit, scale = "weighted_win_rate", "percent", (0.0, 100.0)

    def read(self, reply: Reply) -> Verdict:
        """The one verdict."""
        found = json_reply(reply.text, "verdict")
        said = {str(found["verdict"])} if found is not None else set(_DOUBLE.findall(reply.text[:LONGEST].upper()))
        if len(said) != 1:
            raise Unreadable(f"{len(said)} different verdicts" if said else "no verdict in double square brackets")
        label = said.pop()
        if label not in VERDICTS:
            raise Unreadable(f"verdict {label[:40]!r}")
        preference, strength = VERDICTS[label]
        return Verdict(preference=preference, strength=strength, read_as="text" if found is None else "json")

    def points(self, pairing: Pairing) -> list[Point]:
        """The preference, strong verdicts at three times the weight.

        Against one baseline this is the same number as Bradley-Terry's odds would give.
        """
        return preference_points(pairing)

    def more(self, pairing: Pairing) -> list[Figure]:
        """What the judge leans to; the report adds Bradley-Terry strengths where systems meet one another."""
        return bias_figures(pairing)
