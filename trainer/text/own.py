"""The tokenizer's own chat template, taken apart into literals and words.

It is rendered with placeholders for words, and what stands between them is measured: before and behind each kind of
message, given the kind before it. Then the layout is held against the template on all shapes of dialogue of a list.
A template that writes one of them otherwise cannot be taken apart: its text depends on more than neighbours.

Templates that keep only the thoughts since the user last spoke (Qwen3) differ from their own text in this: with
`thoughts = none` no answer has a think block, where the template gives the last one an empty one; with `keep` all
have theirs. And a think mark that the generation prompt writes for the model (Qwen3.5, DeepSeek-R1) is left to the
model, which learns to write it. The exported template does the same as training: a served model reads what it learned.
"""

from typing import NamedTuple

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerFast

from dialogue.errors import UsageError
from trainer.settings import Thoughts
from trainer.text.encoder import control_tokens
from trainer.text.layout import START, Edge, Layout, edge
from trainer.text.probes import ROLES, Probe, without_empty_thoughts, without_prefill
from trainer.text.segments import Weights, opening, segments
from trainer.text.template import Part

SHAPES = ("u", "ua", "uau", "uaua", "uauaua", "sua", "suaua", "su")
"""Dialogues that the layout must write as the template does: s(ystem), u(ser), a(ssistant)."""


class Answer(NamedTuple):
    """How the template writes an answer."""

    end: str
    """Its end mark: up to the first control token behind the words."""
    front: str
    """Literal between the generation prompt and the words, in an answer that another round follows."""


def taken_apart(tokenizer: PreTrainedTokenizerFast, thoughts: Thoughts) -> Layout:
    """The layout that the tokenizer's chat template writes; UsageError, with the template's name, where none does."""
    probe = Probe(tokenizer)
    try:
        layout = _measured(probe, tokenizer, thoughts)
        _hold(probe, layout, thoughts)
    except (ValueError, TemplateError) as error:
        raise UsageError(
            f"template = own: the chat template of {tokenizer.name_or_path!r} cannot be taken apart: {error}; "
            "choose one of trainer/templates, such as chatml"
        ) from None
    return layout


def _measured(probe: Probe, tokenizer: PreTrainedTokenizerFast, thoughts: Thoughts) -> Layout:
    start, asked = probe.between("u", prompt=True)
    asked = without_prefill(asked)
    answer = _answer(probe, tokenizer, asked)
    _, _, again, _, _ = probe.between("uaua")
    edges = {
        (START, "user"): edge(start),
        ("user", "assistant"): edge(asked),
        ("assistant", "user"): edge(again.removeprefix(answer.end)),
        ("assistant", START): Edge(probe.between("ua")[-1].removeprefix(answer.end)),
        ("user", START): Edge(probe.between("u")[-1]),
    }
    if probe.can("su"):
        before, between, _ = probe.between("su")
        edges |= {(START, "system"): edge(before), ("system", "user"): edge(between)}
        edges["system", START] = Edge("")
    front = answer.front
    if thoughts != "none":
        front = without_empty_thoughts(front)
    if front == " ":
        edges["user", "assistant"], front = Edge(asked, " "), ""
    ends = {"system": "", "user": "", "assistant": answer.end}
    end = _common_end(tokenizer, edges)
    if end:
        ends["user"] = end
        for key in [key for key in edges if key[0] == "user"]:
            edges[key] = Edge(edges[key].literal.removeprefix(end), edges[key].lead)
    part = None if thoughts == "none" else _thoughts(probe, asked)
    text, trimmed = Part(before=front), frozenset(ROLES[sign] for sign in "sua" if probe.trims(sign))
    return Layout("own", edges, ends, text, part, trimmed=trimmed)


def _answer(probe: Probe, tokenizer: PreTrainedTokenizerFast, asked: str) -> Answer:
    tail = probe.between("ua")[-1]
    end = _through_token(tokenizer, tail)
    if not end:
        raise ValueError(f"an answer ends with {tail!r}, which holds no control token to learn as its end")
    _, first, again, last, _ = probe.between("uaua")
    if not again.startswith(end):
        raise ValueError(f"an answer ends with {end!r} at the close, but with {again!r} before another round")
    if not (first.startswith(asked) and last.startswith(asked)):
        raise ValueError(f"the generation prompt {asked!r} is no beginning of an answer, {first!r}")
    return Answer(end, first.removeprefix(asked))


def _through_token(tokenizer: PreTrainedTokenizerFast, literal: str) -> str:
    """The literal up to its first control token, that included; empty where it holds none."""
    found = [(literal.index(token), token) for token in control_tokens(tokenizer, literal) if token in literal]
    if not found:
        return ""
    place, token = min(found, key=lambda pair: (pair[0], -len(pair[1])))
    return literal[: place + len(token)]


def _common_end(tokenizer: PreTrainedTokenizerFast, edges: dict[tuple[str, str], Edge]) -> str:
    """What ends the user's words whatever follows."""
    literals = [front.literal for (before, _), front in edges.items() if before == "user"]
    end = _through_token(tokenizer, literals[0])
    return end if end and all(literal.startswith(end) for literal in literals) else ""


def _thoughts(probe: Probe, asked: str) -> Part:
    """How the thoughts of the last answer are written."""
    before, after = probe.around_thoughts()
    if not before.startswith(asked):
        raise ValueError(f"the generation prompt {asked!r} is no beginning of an answer with thoughts, {before!r}")
    return Part(before=before.removeprefix(asked), after=after)


def _hold(probe: Probe, layout: Layout, thoughts: Thoughts) -> None:
    """ValueError where the template writes a dialogue otherwise than the layout."""
    for shape in SHAPES:
        if shape.startswith("s") and (START, "system") not in layout.edges:
            continue
        thinks = thoughts == "per_turn" or (thoughts == "keep" and shape.count("a") == 1)
        messages = probe.messages(shape, with_thoughts=thinks)
        kept = [thinks and number > shape.rfind("u") for number in range(len(shape))]
        ours = "".join(s.text for s in segments(layout, messages, Weights([0.0] * 9, [0.0] * 9), kept))
        theirs = probe.render(shape, messages)
        _same(shape, theirs if theirs == ours else without_empty_thoughts(theirs), ours)
        if shape.endswith("u"):
            asked = "".join(s.text for s in opening(layout, messages, kept))
            theirs = without_prefill(probe.render(shape, messages, prompt=True))
            _same(
                f"{shape} and an answer to come", theirs if theirs == asked else without_empty_thoughts(theirs), asked
            )


def _same(shape: str, theirs: str, ours: str) -> None:
    if theirs != ours:
        raise ValueError(f"it writes a dialogue {shape} as {theirs!r}, not {ours!r}")
