"""What one role would be asked in a plan, and how long its messages are expected to be."""

from dataclasses import dataclass

ANSWER_TOKENS = 258
USER_TOKENS = 22
"""The first as measured on UltraChat by the authors of Pensieve, the second from the word ranges that are drawn here;
the real ones are the models' affair."""


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
