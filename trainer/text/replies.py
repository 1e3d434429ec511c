"""Reading what a model wrote: text, thoughts, and whether it came to its end."""

from collections.abc import Sequence
from typing import NamedTuple

from transformers import PreTrainedTokenizerFast

from trainer.text.layout import Layout, edge
from trainer.text.template import Part


class Reply(NamedTuple):
    """A message as the model wrote it."""

    text: str
    thoughts: str | None
    ended: bool
    """Whether an end mark came, so that nothing is missing."""


def parsed(
    tokenizer: PreTrainedTokenizerFast,
    layout: Layout,
    ids: Sequence[int],
    stop_ids: Sequence[int],
    speaker: str = "assistant",
) -> Reply:
    """The speaker's message in ids that were generated behind the prompt, up to the first end mark."""
    stop = next((number for number, id in enumerate(ids) if id in stop_ids), None)
    written = str(tokenizer.decode(list(ids[:stop]), skip_special_tokens=False, clean_up_tokenization_spaces=False))
    cuts = [written.index(mark) for mark in layout.stops if mark in written]
    written = written[: min(cuts)] if cuts else written
    thoughts, text = _thoughts(layout.thoughts, written)
    if layout.text.before:
        marked = edge(layout.text.before).literal
        text = text.partition(marked)[2] if marked in text else text
    return Reply(text.removeprefix(_lead(layout, speaker)), thoughts, stop is not None or bool(cuts))


def _thoughts(part: Part | None, written: str) -> tuple[str | None, str]:
    """Thoughts and the rest; thoughts that never end are all there is."""
    if part is None:
        return None, written
    before = edge(part.before)
    start = written.lstrip()
    if not start.startswith(before.literal.rstrip()):
        return None, written
    thought, _, rest = start[len(before.literal.rstrip()) :].partition(part.after.strip())
    return thought.strip(), rest.lstrip("\n")


def _lead(layout: Layout, speaker: str) -> str:
    """The space before the text, which belongs to the template."""
    if layout.text.before:
        return edge(layout.text.before).lead
    return next((front.lead for (_, kind), front in layout.edges.items() if kind == speaker), "")
