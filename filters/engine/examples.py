"""Examples for the report: some dropped and some edited dialogues, drawn by their ids, without the secrets in them."""

from collections.abc import Mapping
from typing import Any

from dialogue.chance import hash64
from dialogue.records import Dialogue
from filters.engine.base import Drop
from filters.engine.counts import EDITS, EXAMPLES, Counts, Example, shown
from filters.engine.rows import Row

CLIP = 2000
"""Characters of a message that an example shows."""


def show_drop(counts: Counts, row: Row, id: str, drop: Drop, kept: int | None) -> None:
    """Add a dropped row to the examples, where it is among those that are shown; only then is it read."""
    example = Example(hash64(id), id, drop.reason, {}, [], kept)
    if len(counts.examples) < EXAMPLES or example.draw < counts.examples[-1].draw:
        example.evidence = masked(drop.evidence)
        example.messages = clipped(row.dialogue)
        counts.examples = shown([*counts.examples, example])


def show_edit(counts: Counts, before: Row, after: Row, id: str) -> None:
    """The same for an edited row."""
    example = Example(hash64(id), id, "edited", {}, [])
    if len(counts.edits) < EDITS or example.draw < counts.edits[-1].draw:
        example.messages, example.after = clipped(before.dialogue), clipped(after.dialogue)
        counts.edits = shown([*counts.edits, example], EDITS)


def clipped(dialogue: Dialogue) -> list[Any]:
    """The messages as an example shows them: cut, and without the secrets that a filter may have dropped them for."""
    from filters.privacy.shapes import mask

    return [{"role": message.role, "content": mask(message.content[:CLIP])} for message in dialogue.messages]


def masked(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Evidence as an example shows it, without secrets in its texts; a `text_span` in `text` stays on its words."""
    from filters.privacy.shapes import mask

    shown = {key: mask(value) if isinstance(value, str) else value for key, value in evidence.items()}
    if "text_span" in shown:
        text, (start, end) = evidence["text"], evidence["text_span"]
        before, span = mask(text[:start]), mask(text[start:end])
        shown |= {"text": before + span + mask(text[end:]), "text_span": [len(before), len(before) + len(span)]}
    return shown
