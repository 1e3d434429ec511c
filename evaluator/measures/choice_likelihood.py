"""Multiple choice by log-likelihood: which option the model finds likeliest as its answer (MMLU, arXiv 2009.03300;
TruthfulQA's MC1 and MC2, arXiv 2109.07958).

`accuracy` takes the sum of log-probabilities, `accuracy_by_bytes` that sum over the option's bytes, since a long option
is less likely for its length alone. `mc2` is the share of probability on the true answers.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

from evaluator.measure import Measure, Parts, Scorer, Shown
from evaluator.options import options, true_and_false
from evaluator.records import Item


class ChoiceLikelihood(Measure):
    """The options are not shown: each is tried as the whole answer to the question."""

    headline, unit, scale = "accuracy", "percent", (0.0, 100.0)
    figures: ClassVar[Mapping[str, Shown]] = {
        "accuracy": Shown("percent", factor=100.0),
        "accuracy_by_bytes": Shown("percent", factor=100.0),
        "mc2": Shown("percent", factor=100.0),
        "by_chance": Shown("percent", factor=100.0),
    }

    def fits(self, item: Item) -> str | None:
        """It needs options and the place of the right one."""
        return None if options(item) else "no options with a right one among them (choices and answer, as in MMLU)"

    def parts(self, item: Item, scorer: Scorer) -> Parts:
        """Ones and noughts, and the share on true answers where there are several."""
        found = options(item)
        assert found is not None
        asked = [{"role": "user", "content": self.ask(item)[0]}]
        chances = [scorer.continuation(asked, text)[0] for text in found.texts]
        sizes = [len(text.encode("utf-8", "replace")) for text in found.texts]
        by_bytes = [chance / max(1, size) for chance, size in zip(chances, sizes, strict=True)]
        parts = {
            "accuracy": (float(chances.index(max(chances)) in found.right), 1.0),
            "accuracy_by_bytes": (float(by_bytes.index(max(by_bytes)) in found.right), 1.0),
            "by_chance": (len(found.right) / len(found.texts), 1.0),
        }
        several = true_and_false(item)
        if several is not None and all(several):
            true, false = ([scorer.continuation(asked, text)[0] for text in side] for side in several)
            highest = max(*true, *false)
            good, bad = (sum(math.exp(chance - highest) for chance in side) for side in (true, false))
            parts["mc2"] = (good / (good + bad), 1.0)
        return parts
