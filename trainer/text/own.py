"""The tokenizer's own chat template, taken apart into literals and words.

It is rendered with placeholders for words, and what stands between them is measured: before and behind each kind of
message, given the kind before it. Then the layout is held against the template on all shapes of dialogue of a list.
A template that writes one of them otherwise cannot be taken apart: its text depends on more than neighbours.

Templates that keep only the thoughts since the user last spoke (Qwen3) differ from their own text in this: with
`thoughts = none` no answer has a think block, where the template gives the last one an empty one; with `keep` all
have theirs. And a think mark that the generation prompt writes for the model (Qwen3.5, DeepSeek-R1) is left to the
model, which learns to write it; such a template is not given on, but the one that we export, which does as training
does. Any other is given on as it is (`asks_alike`): it may know of tools, which this layout does not.
"""

from typing import NamedTuple

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerFast

from dialogue.errors import UsageError
from trainer.settings import Thoughts
from trainer.text.encoder import control_tokens
from trainer.text.held import asked, same, spoken, trims, written
from trainer.text.layout import START, Edge, Layout, edge
from trainer.text.probes import ROLES, Probe, without_empty_thoughts, without_prefill
from trainer.text.template import Part

SHAPES = ("u", "ua", "uau", "uaua", "uauaua")
"""Dialogues that the layout must write as the template does: s(ystem), u(ser), a(ssistant)."""
WITH_SYSTEM = ("sua", "suaua", "su")
"""Where it writes one of these otherwise, system messages have no place (Mistral 7B moves them to the last round)."""
RARER = ("uua", "uaaua", "aua", "saua", "usua", "uasua")
"""Where it writes these as neighbours alone would have it, their pairs have a place; many templates refuse them."""


class Answer(NamedTuple):
    """How the template writes an answer."""

    end: str
    """Its end mark: up to the first control token behind the words."""
    front: str
    """Literal between the generation prompt and the words, in an answer that another round follows."""


def taken_apart(tokenizer: PreTrainedTokenizerFast, thoughts: Thoughts, kept: str | None = None) -> Layout:
    """The layout that the tokenizer's chat template writes today; UsageError, with the template's name, where none.

    `kept`: what that template wrote on another day.
    """
    probe = Probe(tokenizer, kept)
    try:
        layout = _measured(probe, tokenizer, thoughts)
        for shape in SHAPES:
            _hold(probe, layout, shape, thoughts)
        layout = _with_rarer(probe, _with_system(probe, layout, thoughts), thoughts)
        layout = layout._replace(trims=trims(probe, layout))
        return layout._replace(spoken=spoken(probe, layout))
    except (ValueError, TemplateError) as error:
        raise UsageError(
            f"template = own: the chat template of {tokenizer.name_or_path!r} cannot be taken apart: {error}; "
            "choose one of trainer/templates, such as chatml"
        ) from None


def asks_alike(tokenizer: PreTrainedTokenizerFast) -> bool:
    """Whether the template opens an answer as training does: with no think mark written for the model."""
    prompt = Probe(tokenizer).between("u", prompt=True)[-1]
    return prompt == without_prefill(prompt)


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
    return Layout("own", edges, ends, Part(before=front), None if thoughts == "none" else _thoughts(probe, asked))


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


def _with_system(probe: Probe, layout: Layout, thoughts: Thoughts) -> Layout:
    """The layout, without system messages where the template writes them in another manner."""
    if (START, "system") not in layout.edges:
        return layout
    try:
        for shape in WITH_SYSTEM:
            _hold(probe, layout, shape, thoughts)
    except (ValueError, TemplateError):
        return layout._replace(edges={pair: front for pair, front in layout.edges.items() if "system" not in pair})
    return layout


def _with_rarer(probe: Probe, layout: Layout, thoughts: Thoughts) -> Layout:
    """The layout with the pairs of neighbours that the template writes beyond those of the usual order."""
    for shape in RARER:
        kinds = [START, *(ROLES[sign] for sign in shape)]
        number = next((n for n in range(len(shape)) if (kinds[n], kinds[n + 1]) not in layout.edges), None)
        if number is None or ((START, "system") not in layout.edges and "s" in shape) or not probe.can(shape):
            continue
        pair, literal = (kinds[number], kinds[number + 1]), probe.between(shape)[number]
        if pair[1] == "assistant":
            literal = literal.removesuffix(layout.text.before)
        wider = {**layout.edges, pair: edge(literal.removeprefix(layout.ends.get(pair[0], "")))}
        try:
            _hold(probe, layout._replace(edges=wider), shape, thoughts)
        except (ValueError, TemplateError):
            continue
        layout = layout._replace(edges=wider)
    return layout


def _hold(probe: Probe, layout: Layout, shape: str, thoughts: Thoughts) -> None:
    """ValueError where the template writes a dialogue otherwise than the layout."""
    thinks = thoughts == "per_turn" or (thoughts == "keep" and shape.count("a") == 1)
    messages = probe.messages(shape, with_thoughts=thinks)
    kept = [thinks and number > shape.rfind("u") for number in range(len(shape))]
    same(shape, *written(probe, layout, messages, kept))
    if shape.endswith("u"):
        same(f"{shape} and an answer to come", *asked(probe, layout, messages, kept))
