"""What one role would be asked in a plan, and how long its messages are expected to be."""

from dataclasses import dataclass

from prompts.sector import Sector

ANSWER_TOKENS = 258
USER_TOKENS = 22
"""The first as measured on UltraChat by the authors of Pensieve, the second from the word ranges that are drawn here;
the real ones are the models' affair. A sector whose answers are longer or shorter says so (`answer_tokens`)."""


def answer_tokens(sector: Sector, kind: str | None = None) -> int:
    """How long an answer in a dialogue of this kind is expected to be: as its level says, else its sector."""
    own = next((level.answer_tokens for level in sector.levels if level.name == kind), None)
    return own or sector.answer_tokens or ANSWER_TOKENS


def mean_answer_tokens(sector: Sector) -> int:
    """The same over all kinds by their shares."""
    if not sector.shares:
        return answer_tokens(sector)
    total = sum(weight * answer_tokens(sector, kind) for kind, weight in sector.shares.items())
    return round(total / sum(sector.shares.values()))


@dataclass(slots=True)
class Side:
    """Requests and tokens of one role."""

    requests: float = 0.0
    prompt_tokens: float = 0.0
    completion_tokens: float = 0.0

    def add(self, prompt: float, completion: float, times: float = 1.0) -> None:
        """Count requests of so many tokens each."""
        self.requests += times
        self.prompt_tokens += prompt * times
        self.completion_tokens += completion * times
