"""Examples as a page lays them out: the messages of one dialogue, or of two beside one another, with marks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup
from pydantic import JsonValue

from filters.pages.marks import common_run, differing, places, shared
from filters.pages.shapes import Edit, Example, HitShape, Shown
from filters.pages.texts import Span, painted, window
from filters.pages.wording import number, spoken, told

MOST_CHARACTERS = 6000
"""Of one dialogue; the message that shows the fault comes on top."""
HIT_CHARACTERS = 1200
"""Of each text of a hit, around the span."""
MOST_BRIEF, BRIEF_CHARACTERS = 3, 40
"""Facts beside an example's head, and how short they are."""
LEAST_RUN = 5
"""Words of a run that is worth a mark; where the longest is shorter, the words that both texts have are marked."""
NEEDLES = ("phrase", "again", "word")
"""Keys of evidence whose text is marked where it stands."""


class Line(NamedTuple):
    """A message, or a part of one."""

    head: str
    html: Markup
    shows: bool = False
    """It is the one that shows the fault."""
    left_out: int = 0
    """Messages before it that are not shown."""


class Column(NamedTuple):
    """One dialogue or text."""

    head: str
    id: str
    lines: Sequence[Line]
    left_out: int = 0
    """Messages at the end that are not shown."""
    kind: str = ""
    """Class of the column: `gone` or `stays`, which colours its marks."""


class Laid(NamedTuple):
    """An example, ready for the page."""

    id: str
    head: str
    facts: Sequence[tuple[str, str]]
    columns: Sequence[Column]
    marked: str
    """What the marks mean; "" where there are none."""

    @property
    def brief(self) -> list[tuple[str, str]]:
        """The facts that stand beside the head."""
        return [fact for fact in self.facts[:MOST_BRIEF] if len(fact[1]) < BRIEF_CHARACTERS]

    @property
    def rest(self) -> list[tuple[str, str]]:
        """The others."""
        return [fact for fact in self.facts if fact not in self.brief]


def laid(example: Example) -> Laid:
    """The example of a filter."""
    if {"benchmark", "item", "text"} <= example.evidence.keys():
        return laid_hit(HitShape.model_validate({**example.evidence, "id": example.id}))
    if example.beside is not None:
        return _two(example, example.beside)
    at = example.evidence.get("message")
    place = at if isinstance(at, int) else None
    needles = [text for key in NEEDLES if isinstance(text := example.evidence.get(key), str)]
    spans: list[Sequence[Span]] = [
        [span for needle in needles for span in places(message.content, needle)] if number == place else []
        for number, message in enumerate(example.messages)
    ]
    marked = "marked: what the filter found" if any(spans) else ""
    column = _column("", example, spans, place, "gone")
    return Laid(example.id, spoken(example.reason), _facts(example, place), [column], marked)


def laid_hit(hit: HitShape) -> Laid:
    """A message beside the benchmark item that it looks like."""
    spans = [hit.text_span] if hit.text_span else []
    same = common_run(hit.text[slice(*hit.text_span)], hit.item_text) if hit.text_span else None
    item_spans, marked = [same] if same else [], "marked: the longest run of words that both have"
    if hit.tier == "candidate" and hit.span_words is not None and hit.span_words < LEAST_RUN:
        spans, item_spans = shared(hit.text, hit.item_text)
        marked = "marked: the words that both have, short ones left out"
    message = "message" if hit.message is None else f"messages[{hit.message}]"
    text, spans = window(hit.text, spans, HIT_CHARACTERS)
    item_text, item_spans = window(hit.item_text, item_spans, HIT_CHARACTERS)
    columns = [
        Column("dialogue", hit.id, [Line(message, painted(text, spans))]),
        Column(hit.benchmark, hit.item, [Line(hit.part or "item", painted(item_text, item_spans))]),
    ]
    head = f"{hit.benchmark} {hit.item}"
    return Laid(hit.id, head, list(_hit_facts(hit)), columns, marked)


def _two(example: Example, other: Shown) -> Laid:
    """Two dialogues side by side, with the words marked in which they differ."""
    mine, theirs = differing(
        [message.content for message in example.messages], [message.content for message in other.messages]
    )
    columns = [
        _column("dropped", example, mine, None, "gone"),
        _column("kept instead", other, theirs, None, "stays"),
    ]
    marked = "marked: words that the other lacks there" if any(mine) or any(theirs) else "word for word the same"
    return Laid(example.id, spoken(example.reason), _facts(example, None), columns, marked)


def laid_edit(edit: Edit) -> Laid:
    """A dialogue before and after an edit; where all that differs was masked before, after it alone."""
    before, after = ([message.content for message in side] for side in (edit.messages, edit.after))
    changed = Shown(id=edit.id, messages=edit.after)
    if before == after:
        column = _column("after", changed, [[] for _ in after], None, "stays")
        return Laid(edit.id, "edited", [], [column], "")
    mine, theirs = differing(before, after)
    columns = [_column("before", edit, mine, None, "gone"), _column("after", changed, theirs, None, "stays")]
    return Laid(edit.id, "edited", [], columns, "marked: words that the other lacks there")


def _column(head: str, dialogue: Shown, spans: Sequence[Sequence[Span]], place: int | None, kind: str) -> Column:
    lines: list[Line] = []
    used = left_out = 0
    for index, message in enumerate(dialogue.messages):
        used += len(message.content)
        if used > MOST_CHARACTERS and index and index != place:
            left_out += 1
            continue
        html = painted(message.content, spans[index])
        lines.append(Line(message.role, html, index == place, left_out))
        left_out = 0
    return Column(head, dialogue.id, lines, left_out, kind)


def _facts(example: Example, place: int | None) -> list[tuple[str, str]]:
    """The evidence, but for what can be seen in the messages."""
    found = []
    for key, value in example.evidence.items():
        if key == "message" and isinstance(value, int):
            found.append((key, f"messages[{value}] of {len(example.messages)}"))
        elif key != "text" or not _stands(value, example, place):
            found.append((spoken(key), told(value)))
    return found


def _stands(value: JsonValue, example: Example, place: int | None) -> bool:
    """Whether a piece of evidence can be read in the message that it was taken from."""
    seen = example.messages[place].content if place is not None and place < len(example.messages) else ""
    return isinstance(value, str) and value in seen


def _hit_facts(hit: HitShape) -> Iterable[tuple[str, str]]:
    yield "tier", hit.tier
    yield "rules" if len(hit.rules) > 1 else "rule", ", ".join(hit.rules) or hit.rule
    if hit.span_words is not None:
        yield "longest run", "1 word" if hit.span_words == 1 else f"{hit.span_words:,} words"
    shares: Mapping[str, float | None] = {"coverage": hit.coverage, "containment": hit.containment}
    for name, share in shares.items():
        if share is not None:
            yield name, number(round(share, 3))
    if hit.verdict is not None:
        yield "judge", spoken(hit.verdict)
    if hit.verdict_reason:
        yield "judge's reason", hit.verdict_reason
