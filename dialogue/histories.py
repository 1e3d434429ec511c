"""Dialogues in one text, a label before each turn: `Human: ...\\nAssistant: ...`, as BELLE and Guanaco have them."""

import re

_BEGIN = re.compile(r"\s*(?:Human|User)[:：]")
_ASSISTANT = re.compile(r"(?:^|\n)Assistant[:：]")


def begins_history(value: object) -> bool:
    """Whether a text begins with a labelled turn and has an assistant's turn after it."""
    return isinstance(value, str) and _BEGIN.match(value) is not None and _ASSISTANT.search(value) is not None


def turns_of(text: str, human: str) -> list[str]:
    """The turns of a history in their order, the human's first. ValueError where they do not alternate.

    A label counts at the start of a line only; what stands within a line is part of what is said.
    """
    parts = re.split(rf"(?:^|\n)[ \t]*({human}|Assistant)[:：]", text.strip())
    if parts[0].strip():
        raise ValueError(f"the history does not begin with {human}:")
    labels, contents = parts[1::2], [part.strip() for part in parts[2::2]]
    for place, label in enumerate(labels):
        if label != (human, "Assistant")[place % 2]:
            raise ValueError(f"turn {place + 1} of the history is {label}'s; turns alternate, {human}'s first")
    return contents


def holds_label(text: str, human: str) -> bool:
    """Whether a line of the text begins like a turn, so that it could not be told from one."""
    return re.search(rf"(?:^|\n)[ \t]*(?:{human}|Assistant)[:：]", text) is not None
