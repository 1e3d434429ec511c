"""Segments: the dialogue as a row of literals and words, each with its loss weight. Ids are made of these alone."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import JsonValue

from dialogue.errors import UsageError
from dialogue.records import Message
from trainer.text.layout import ANSWER, START, THOUGHTS, WHOLE, Edge, Layout, edge, kinds
from trainer.text.template import Part


class NoPlace(UsageError):
    """The template has no place for something that a message holds."""

    def __init__(self, layout: Layout, what: str, number: int) -> None:
        self.reason = f"template {layout.name} has no place for {what}"
        """Without the message's number, so that refusals can be counted."""
        super().__init__(f"{self.reason} (messages[{number}])")


class Segment(NamedTuple):
    """Some text with one loss weight."""

    text: str
    literal: bool
    """Ours, and may hold control tokens; otherwise somebody's words, in which nothing is a control token."""
    weight: float
    """0: not learned."""
    place: int
    """Number of the message; neighbouring literals of one place and weight are encoded as one."""


class Weights(NamedTuple):
    """How much each message's speech counts, and what stands between them."""

    speech: Sequence[float]
    between: Sequence[float]


def segments(layout: Layout, messages: Sequence[Message], weights: Weights, thoughts: Sequence[bool]) -> list[Segment]:
    """The dialogue from start to close; `thoughts`: whether those of each message are written."""
    row: list[Segment] = []
    before = START
    for number, (kind, message) in enumerate(zip(kinds(messages), messages, strict=True)):
        front = edge_at(layout, before, kind, number)
        row.append(Segment(front.literal, True, weights.between[number], 2 * number))
        weight = weights.speech[number]
        for text, literal in speech(layout, kind, message, front.lead, thoughts[number], number):
            learned = literal or kind not in layout.never
            row.append(Segment(text, literal, weight if learned else 0.0, 2 * number + 1))
        before = kind
    if messages:
        row.append(Segment(layout.edges[before, START].literal, True, weights.between[-1], 2 * len(messages)))
    return _joined(row)


def opening(
    layout: Layout, messages: Sequence[Message], thoughts: Sequence[bool], speaker: str = "assistant"
) -> list[Segment]:
    """The dialogue so far, and the literal that gives the floor to the speaker: a prefix of the training text."""
    so_far = segments(layout, messages, Weights([0.0] * len(messages), [0.0] * len(messages)), thoughts)
    before = kinds(messages)[-1] if messages else START
    floor = Segment(edge_at(layout, before, speaker, len(messages)).literal, True, 0.0, 2 * len(messages))
    closing = 1 if messages and so_far and so_far[-1].place == 2 * len(messages) else 0
    return _joined([*so_far[: len(so_far) - closing], floor])


def edge_at(layout: Layout, before: str, kind: str, number: int) -> Edge:
    """The edge before message `number`; NoPlace where the template has none."""
    if (before, kind) not in layout.edges:
        where = f"after {before}" if before else "at the start"
        raise NoPlace(layout, f"{kind} messages {where}", number)
    return layout.edges[before, kind]


def speech(
    layout: Layout, kind: str, message: Message, lead: str, with_thoughts: bool, number: int
) -> list[tuple[str, bool]]:
    """One message's words and marks as (text, literal), its end mark last."""
    thinks = bool(with_thoughts and message.thoughts)
    words = layout.trims.get(ANSWER if thinks else kind, WHOLE).of(message.content)
    if not words and kind in layout.spoken:
        raise NoPlace(layout, f"empty {kind} messages", number)
    bare = not thinks and not message.tool_calls and not layout.text.before and not layout.text.after
    if kind != "assistant" or bare:  # nearly always
        return [(lead + words, False), (layout.ends[kind], True)]
    items: list[tuple[str, bool]] = []
    if thinks and message.thoughts:
        if layout.thoughts is None:
            raise NoPlace(layout, "thoughts", number)
        items += _marked(layout.thoughts, [layout.trims.get(THOUGHTS, WHOLE).of(message.thoughts)])
    calls = _calls(layout, message, number)
    text = [] if calls and not words and layout.text.before else _marked(layout.text, [words])
    gap = [(layout.tool_calls.gap, True)] if calls and text and layout.tool_calls is not None else []
    items += [*calls, *gap, *text] if layout.calls_first else [*text, *gap, *calls]
    return [*_led(items, lead), (layout.ends[kind], True)]


def _led(items: list[tuple[str, bool]], lead: str) -> list[tuple[str, bool]]:
    """The lead goes into what comes first."""
    first = next((number for number, (text, literal) in enumerate(items) if text or not literal), 0)
    return [(lead + text if number == first else text, literal) for number, (text, literal) in enumerate(items)]


def _calls(layout: Layout, message: Message, number: int) -> list[tuple[str, bool]]:
    if not message.tool_calls:
        return []
    if layout.tool_calls is None:
        raise NoPlace(layout, "tool calls", number)
    return _marked(layout.tool_calls, [call_text(call) for call in message.tool_calls])


def said(message: Message) -> list[str]:
    """All words of a message: text, thoughts, tool calls."""
    return [message.content, message.thoughts or "", *map(call_text, message.tool_calls or ())]


def call_text(call: JsonValue) -> str:
    """A tool call as the model writes it: a command as it stands, else JSON of the function and its arguments.

    Arguments that are a text of an object, as OpenAI has them, are written as that object, character for character
    (Qwen3's template does).
    """
    raw = call.get("raw") if isinstance(call, dict) else call
    if isinstance(raw, str):
        return raw
    inner = call.get("function", call) if isinstance(call, dict) else call
    if not isinstance(inner, dict):
        return json.dumps(inner, ensure_ascii=False)
    return "{" + ", ".join(f"{_json(name)}: {_argument(name, value)}" for name, value in inner.items()) + "}"


def _argument(name: str, value: JsonValue) -> str:
    whole = name == "arguments" and isinstance(value, str) and value[:1] == "{" and value[-1:] == "}"
    return str(value) if whole else _json(value)


def _json(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)


def _marked(part: Part, texts: Sequence[str]) -> list[tuple[str, bool]]:
    before, join = edge(part.before), edge(part.join)
    items: list[tuple[str, bool]] = [(before.literal, True), (before.lead + texts[0], False)]
    for text in texts[1:]:
        items += [(join.literal, True), (join.lead + text, False)]
    return [*items, (part.after, True)]


def _joined(row: Sequence[Segment]) -> list[Segment]:
    """Neighbouring literals of one place as one, so that they are encoded as they stand in a running text."""
    joined: list[Segment] = []
    for segment in row:
        last = joined[-1] if joined else None
        if segment.literal and not segment.text:
            continue
        if last is not None and last.literal and segment.literal and last[2:] == segment[2:]:
            joined[-1] = last._replace(text=last.text + segment.text)
        else:
            joined.append(segment)
    return joined
