"""A layout held against the chat template that it was measured from, and what that template does to words."""

from collections.abc import Sequence

from jinja2 import TemplateError

from dialogue.records import Message
from trainer.text.layout import ANSWER, START, THOUGHTS, Layout, Trim
from trainer.text.probes import ROLES, Probe, without_empty_thoughts, without_prefill
from trainer.text.segments import Weights, opening, segments


def written(probe: Probe, layout: Layout, messages: Sequence[Message], thoughts: Sequence[bool]) -> tuple[str, str]:
    """The template's text of a dialogue and the layout's; empty think blocks, which we do not write, left out."""
    row = segments(layout, messages, Weights([0.0] * len(messages), [0.0] * len(messages)), thoughts)
    return _alike(probe.render(list(messages)), "".join(segment.text for segment in row))


def asked(probe: Probe, layout: Layout, messages: Sequence[Message], thoughts: Sequence[bool]) -> tuple[str, str]:
    """The same of the dialogue and the opening of an answer."""
    row = opening(layout, messages, thoughts)
    theirs = without_prefill(probe.render(list(messages), prompt=True))
    return _alike(theirs, "".join(segment.text for segment in row))


def same(dialogue: str, theirs: str, ours: str) -> None:
    """ValueError where the two differ."""
    if theirs != ours:
        raise ValueError(f"it writes a dialogue {dialogue} as {theirs!r}, not {ours!r}")


def trims(probe: Probe, layout: Layout) -> dict[str, Trim]:
    """What the template strips of words, by kind."""
    found = {"user": probe.strips("uau", 0), "assistant": probe.strips("uaua", 1)}
    if (START, "system") in layout.edges:
        found["system"] = probe.strips("su", 0)
    if layout.thoughts is not None:
        found[ANSWER] = probe.strips("ua", 1, with_thoughts=True)
        found[THOUGHTS] = probe.strips("ua", 1, with_thoughts=True, of_thoughts=True)
    return found


def spoken(probe: Probe, layout: Layout) -> frozenset[str]:
    """The kinds whose empty messages the template writes otherwise than the layout: leaves out, or puts words into."""
    shapes = [("uaua", 0), ("uaua", 1), *([("suaua", 0)] if (START, "system") in layout.edges else [])]
    return frozenset(ROLES[shape[number]] for shape, number in shapes if not _empty(probe, layout, shape, number))


def _empty(probe: Probe, layout: Layout, shape: str, number: int) -> bool:
    messages = probe.messages(shape)
    messages[number] = messages[number].model_copy(update={"content": ""})
    try:
        theirs, ours = written(probe, layout, messages, [False] * len(messages))
    except TemplateError:
        return False
    return theirs == ours


def _alike(theirs: str, ours: str) -> tuple[str, str]:
    return theirs if theirs == ours else without_empty_thoughts(theirs), ours
