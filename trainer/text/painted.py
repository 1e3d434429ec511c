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


def paint(example: Example, tokenizer: PreTrainedTokenizerFast, marks: tuple[str, str] | None = None) -> str:
    """The example under a line that counts it, in colour, or with `marks` around what is taught."""
    runs = list(runs_of(example, tokenizer))
    body = "".join(_coloured(run) if marks is None else _marked(run, *marks) for run in runs)
    return f"{_harmless(example.id)}: {len(example.input_ids)} tokens, {example.taught} taught\n{body}\n"


def legend(marks: tuple[str, str] | None = None) -> str:
    """What the paint means."""
    if marks is not None:
        return f"between {marks[0]} and {marks[1]}: what is taught; the rest is only read"
    return (
        f"{TAUGHT}green{RESET}: what is taught; {READ}dim{RESET}: only read; {REVERSE}reversed{RESET}: control tokens"
    )


def runs_of(example: Example, tokenizer: PreTrainedTokenizerFast) -> Iterator[Run]:
    """The example's runs; characters whose bytes are several tokens are whole wherever one run holds them."""
    control = set(tokenizer.added_tokens_decoder)
    taught = example.labels != IGNORE_INDEX
    taught[:1] = False  # nothing foretells the first one
    weights = (float(f"{weight:.4g}") for weight in example.weights.tolist())
    tokens = zip(example.input_ids.tolist(), taught.tolist(), weights, strict=True)
    keyed = ((id, (learned, id in control, weight)) for id, learned, weight in tokens)
    for (learned, marked, weight), group in groupby(keyed, key=lambda pair: pair[1]):
        text = tokenizer.decode([id for id, _ in group], skip_special_tokens=False, clean_up_tokenization_spaces=False)
        yield Run(_harmless(str(text)), learned, marked, weight)


def _coloured(run: Run) -> str:
    style = (TAUGHT if run.taught else READ) + (REVERSE if run.control else "")
    lines = run.text.split("\n")
    return "\n".join(f"{style}{line}{RESET}" if line else "" for line in lines) + _weight(run)


def _marked(run: Run, before: str, behind: str) -> str:
    """The marks stand around taught text alone: typed ones are written out."""
    text = run.text
    for mark in (before, behind):
        text = text.replace(mark, "".join(f"\\u{ord(char):04x}" for char in mark))
    return (f"{before}{text}{behind}" if run.taught else text) + _weight(run)


def _weight(run: Run) -> str:
    """The weight behind taught words, where it is not 1."""
    return f"(x{run.weight:g})" if run.taught and run.weight != 1 and not run.control else ""


def _harmless(text: str) -> str:
    """The text with everything that moves a cursor, changes direction or hides written out as an escape."""
    return "".join(char if _shows(char) else char.encode("unicode_escape").decode("ascii") for char in text)


def _shows(char: str) -> bool:
    return char in "\n\u200d" or unicodedata.category(char) not in ("Cc", "Cf", "Zl", "Zp", "Cs")
