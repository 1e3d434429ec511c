"""What may be written to a terminal: nothing of a model's or a stranger's that could steer it."""

import os
import re
from typing import TextIO

Marks = tuple[str, str]
BRACKETS, ARROWS = ("⟪", "⟫"), (">>", "<<")
"""Around what is set off, where there is no colour; arrows where the terminal knows ASCII alone."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def safe(text: str) -> str:
    """The text without anything that could steer a terminal; line breaks and tabs stay."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def marks(file: TextIO) -> Marks | None:
    """How text is set off on a stream: None, by colour, on a terminal that has it and whose owner wants it."""
    if file.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        return None
    try:
        "".join(BRACKETS).encode(file.encoding or "ascii")
    except UnicodeEncodeError:
        return ARROWS
    return BRACKETS
