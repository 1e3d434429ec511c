"""Paints an example for the terminal: what is taught in green, what is only read dimmed, control tokens in reverse.

The text is a model's or a stranger's: escapes and control characters in it are written out, never sent.
"""

import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from transformers import PreTrainedTokenizerFast

from trainer.text.example import IGNORE_INDEX, Example

TAUGHT, READ, REVERSE, RESET = "\x1b[32m", "\x1b[2m", "\x1b[7m", "\x1b[0m"


class Run(NamedTuple):
    """Neighbouring tokens that are shown alike."""

    text: str
    taught: bool
    control: bool
    weight: float


def paint(example: Example, tokenizer: PreTrainedTokenizerFast, *, colour: bool = True) -> str:
    """The example under a line that counts it; without colour what is taught stands between ⟪ and ⟫."""
    runs = list(runs_of(example, tokenizer))
    body = "".join(_coloured(run) if colour else _marked(run) for run in runs)
    return f"{_harmless(example.id)}: {len(example.input_ids)} tokens, {example.taught} taught\n{body}\n"


def legend(*, colour: bool) -> str:
    """What the paint means."""
    if not colour:
        return "between ⟪ and ⟫: what is taught; the rest is only read"
    return (
        f"{TAUGHT}green{RESET}: what is taught; {READ}dim{RESET}: only read; {REVERSE}reversed{RESET}: control tokens"
    )


def runs_of(example: Example, tokenizer: PreTrainedTokenizerFast) -> Iterator[Run]:
    """The example's runs; characters whose bytes are several tokens are whole wherever one run holds them."""
    control = set(tokenizer.added_tokens_decoder)
    tokens = zip(example.input_ids.tolist(), example.labels.tolist(), example.weights.tolist(), strict=True)
    keyed = ((id, (label != IGNORE_INDEX, id in control, round(weight, 4))) for id, label, weight in tokens)
    for (taught, marked, weight), group in groupby(keyed, key=lambda pair: pair[1]):
        text = tokenizer.decode([id for id, _ in group], skip_special_tokens=False, clean_up_tokenization_spaces=False)
        yield Run(_harmless(str(text)), taught, marked, weight)


def _coloured(run: Run) -> str:
    style = (TAUGHT if run.taught else READ) + (REVERSE if run.control else "")
    lines = run.text.split("\n")
    return "\n".join(f"{style}{line}{RESET}" if line else "" for line in lines) + _weight(run)


def _marked(run: Run) -> str:
    return (f"⟪{run.text}⟫" if run.taught else run.text) + _weight(run)


def _weight(run: Run) -> str:
    """The weight behind taught words, where it is not 1."""
    return f"(x{run.weight:g})" if run.taught and run.weight != 1 and not run.control else ""


def _harmless(text: str) -> str:
    """The text with everything that moves a cursor, changes direction or hides written out as an escape."""
    return "".join(char if _shows(char) else char.encode("unicode_escape").decode("ascii") for char in text)


def _shows(char: str) -> bool:
    return char in "\n\u200d" or unicodedata.category(char) not in ("Cc", "Cf", "Zl", "Zp", "Cs")
