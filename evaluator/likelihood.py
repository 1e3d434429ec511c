"""A model on this machine as a scorer: the log-probability of a text as its next answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from dialogue.errors import UsageError
from dialogue.records import Message
from trainer.serving.loading import Loaded, opened
from trainer.serving.voice import BadMessages


class LocalScorer:
    """Scores in float32 sums, one text at a time; prompts in the model's own template."""

    def __init__(self, model: str) -> None:
        """Raises UsageError where the model cannot be opened."""
        self._model = model
        self._loaded: Loaded = opened(model)

    def continuation(self, messages: Sequence[Mapping[str, str]], text: str) -> tuple[float, int]:
        """The log-probability of the text after the messages, and its tokens. UsageError where it is too long."""
        import torch

        loaded = self._loaded
        try:
            prompt = loaded.voice.prompt([Message.model_validate(dict(one)) for one in messages])
        except BadMessages as error:
            raise UsageError(f"model {self._model}: {error}") from None
        words: list[int] = self._tokenizer(f"{loaded.voice.lead}{text}", add_special_tokens=False)["input_ids"]
        ids = [*prompt, *words]
        if len(ids) > loaded.engine.context:
            raise UsageError(
                f"model {self._model}: a dialogue has {len(ids):,} tokens and the model's context holds "
                f"{loaded.engine.context:,}; leave long ones out"
            )
        with torch.inference_mode():
            device = next(loaded.net.parameters()).device
            logits = loaded.net(input_ids=torch.tensor([ids], device=device)).logits[0, len(prompt) - 1 : -1]
            chances = torch.log_softmax(logits.float(), dim=-1)
            wanted = torch.tensor(words, device=device)[:, None]
            return float(chances.gather(1, wanted).double().sum()), len(words)

    @property
    def _tokenizer(self) -> Any:
        return self._loaded.engine.tokenizer
