"""Layout: the literal text between any two neighbouring messages, which is all that rendering needs to know.

A template of ours is compiled to it (`compiled`), a tokenizer's own chat template is taken apart into it
(`own.py`). A message has a **kind**: its role, or `input` for an instruction's material, and then `instruction` for
the user message before it. Kind and predecessor decide what stands before the words; nothing else may.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from dialogue.records import Message
from trainer.text.template import Part, Side, Template

START = ""
"""The kind before the first message, and after the last one."""
SPEAKERS = ("system", "user", "instruction", "input", "assistant", "tool")


class Edge(NamedTuple):
    """What stands before a message's words."""

    literal: str
    """Ours, with control tokens."""
    lead: str = ""
    """A space that is encoded together with the words, as BPE vocabularies have it."""


class Trim(NamedTuple):
    """The characters that a template strips of words at either end; None: all white space."""

    left: str | None = ""
    right: str | None = ""

    def of(self, words: str) -> str:
        """What is left of the words."""
        return words.lstrip(self.left).rstrip(self.right)


WHOLE = Trim()
ANSWER = "answer"
"""An assistant's words behind its thoughts, which some templates strip otherwise than words alone."""
THOUGHTS = "thoughts"


class Layout(NamedTuple):
    """How a dialogue is written down, down to the last character."""

    name: str
    edges: Mapping[tuple[str, str], Edge]
    """By (kind before, kind); a pair that is missing has no place in this template. (kind, START) is the close."""
    ends: Mapping[str, str]
    """The literal that ends each kind's speech, learned with it."""
    text: Part = Part()
    thoughts: Part | None = None
    tool_calls: Part | None = None
    calls_first: bool = False
    never: frozenset[str] = frozenset()
    trims: Mapping[str, Trim] = MappingProxyType({})
    """By kind, ANSWER and THOUGHTS; those that are missing are written as they are."""
    spoken: frozenset[str] = frozenset()
    """Kinds that the template writes in another manner where they are empty: there they have no place."""
    stops: tuple[str, ...] = ()

    def literals(self) -> str:
        """All literal text, for looking up which added tokens are ours."""
        parts = [part for part in (self.text, self.thoughts, self.tool_calls) if part is not None]
        marks = [mark for part in parts for mark in (part.before, part.join, part.after, part.gap)]
        return "\0".join([*(edge.literal for edge in self.edges.values()), *self.ends.values(), *marks])


def kinds(messages: Sequence[Message]) -> list[str]:
    """The kind of each message."""
    kinds: list[str] = []
    for message in messages:
        if message.role == "user" and message.name == "input":
            if kinds and kinds[-1] == "user":
                kinds[-1] = "instruction"
            kinds.append("input")
        else:
            kinds.append(message.role)
    return kinds


def compiled(template: Template, *, bos: str = "", eos: str, klass: str | None = None) -> Layout:
    """The template for a tokenizer that starts texts with `bos` and ends them with `eos`, for a dialogue of a class."""
    sides = {kind: _filled(side, eos, klass) for kind, side in _sides(template).items()}
    first = bos if template.bos else ""
    edges: dict[tuple[str, str], Edge] = {}
    for kind, side in sides.items():
        default = template.default_with_input if kind == "instruction" else template.default_system
        edges[START, kind] = edge(first + ("" if kind == "system" else default) + side.before)
        edges[kind, START] = Edge(edge(side.after).literal)  # no words follow that its space could lead
        for before, other in sides.items():
            opened = kind.replace("instruction", "user") == other.opens
            edges[before, kind] = edge(other.after + (_gap(side.before) if opened else side.before))
    return Layout(
        name=template.name,
        edges=edges,
        ends={kind: side.end for kind, side in sides.items()},
        text=_part(template.text, eos),
        thoughts=template.thoughts and _part(template.thoughts, eos),
        tool_calls=template.tool_calls and _part(template.tool_calls, eos),
        calls_first=template.calls_first,
        never=frozenset(template.never),
        stops=template.stops,
    )


def edge(text: str) -> Edge:
    """The text as literal and lead: a space at its end belongs to the words that follow."""
    return Edge(text[:-1], " ") if text.endswith(" ") else Edge(text)


def _gap(before: str) -> str:
    """What is left of `before` when its tag is there already: the space that leads the words."""
    return edge(before).lead


def _sides(template: Template) -> dict[str, Side]:
    user, input_ = template.user, template.input
    with_input = user if input_ is not None else None
    sides = (template.system, user, with_input, input_, template.assistant, template.tool)
    return {kind: side for kind, side in zip(SPEAKERS, sides, strict=True) if side is not None}


def _filled(side: Side, eos: str, klass: str | None) -> Side:
    before = side.before
    if klass is not None and side.class_before is not None:
        before = side.class_before.replace("{class}", klass)
    marks = {"before": before, "end": side.end, "after": side.after}
    return side.model_copy(update={name: mark.replace("{eos}", eos) for name, mark in marks.items()})


def _part(part: Part, eos: str) -> Part:
    return Part(**{name: mark.replace("{eos}", eos) for name, mark in part.model_dump().items()})
