"""Held-out loss, perplexity and bits per byte of dialogues: how surprised the model is by the answers that are there.

Only assistant turns count, the end of turn apart; loss and perplexity are by token, over all dialogues together, so
they compare models of one tokenizer. Bits per byte compare any.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

from dialogue.records import decode
from evaluator.measure import Measure, Parts, Scorer, Shown
from evaluator.records import Item


class HeldOut(Measure):
    """The rarer the surprise, the lower: fewer is better in all three."""

    headline, unit, scale, lower_is_better = "bits_per_byte", "bits", (0.0, 8.0), True
    figures: ClassVar[Mapping[str, Shown]] = {
        "bits_per_byte": Shown("bits"),
        "loss": Shown("nats a token"),
        "perplexity": Shown("tokens", transform=math.exp, of="loss"),
    }

    def fits(self, item: Item) -> str | None:
        """It has to be a dialogue with an answer in it."""
        if "messages" not in item.row:
            return "no dialogue; give a run folder or a file of dialogues"
        said = any(message.role == "assistant" and message.content for message in decode(item.row).messages)
        return None if said else "no answer in it"

    def parts(self, item: Item, scorer: Scorer) -> Parts:
        """Surprise, tokens and bytes over all answers of the dialogue."""
        nats, tokens, size = 0.0, 0, 0
        history: list[dict[str, str]] = []
        for message in decode(item.row).messages:
            if message.role == "assistant" and message.content:
                logprob, n = scorer.continuation(history, message.content)
                nats -= logprob
                tokens += n
                size += len(message.content.encode("utf-8", "replace"))
            history.append({"role": message.role, "content": message.content})
        return {"loss": (nats, float(tokens)), "bits_per_byte": (nats / math.log(2), float(size))}
