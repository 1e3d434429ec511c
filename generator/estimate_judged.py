"""What the answers of a dialogue cost where several are sampled for each turn and judged."""

from collections.abc import Mapping
from dataclasses import dataclass

from dialogue.records import Message
from generator.client.tokens import Counter
from generator.estimate_given import CRITIQUE_TOKENS
from generator.ratings import asked, of_samples
from generator.side import Side
from prompts.loader import Prompts
from prompts.sector import Sector


@dataclass(frozen=True, slots=True)
class JudgedAnswers:
    """Answers of one dialogue, so many to a turn."""

    wanted: int
    prompt: str
    """The request for ratings, with nothing in the places of dialogue and answers."""
    tokens: int
    """Of that request."""

    def count(self, history: float, system: float, answer: int, sides: Mapping[str, Side], weight: float) -> None:
        """Count one turn after a history of so many tokens: every answer, and the one request that judges them."""
        sides["assistant"].add(system + history, answer, weight * self.wanted)
        prompt = self.tokens + system + history + self.wanted * answer
        sides["user"].add(prompt, self.wanted * CRITIQUE_TOKENS, weight)


def judged_answers(
    prompts: Prompts, sector: Sector, counter: Counter, language: str, wanted: int | None
) -> JudgedAnswers | None:
    """How the turns of a dialogue are counted; None where one answer is asked for."""
    if wanted is None:
        return None
    rubric = of_samples(prompts, sector, language)
    answers = [f"(answer {number})" for number in range(1, wanted + 1)]
    text = asked(prompts, rubric, language, [Message(role="user", content="(the dialogue)")], answers, "example")
    return JudgedAnswers(wanted, text, counter.count(text))
