"""Foreign text that is safe to show: nothing in it acts, and nothing in it hides."""

import re
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

Span = tuple[int, int]
"""Characters from and to."""

# Controls other than tab and line feed, directional marks and overrides, line and paragraph separators, zero-width
# space, word joiner and byte order mark, tag characters, lone surrogates. Joiners stay: emoji and Persian need them.
_ODD = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f\ud800-\udfff]"
)


def visible(text: str) -> str:
    """The text with each character that cannot be seen, or that turns others around, by its number: ‹U+202E›."""
    return _ODD.sub(lambda found: f"‹{_named(found[0])}›", text)


def painted(text: str, spans: Iterable[Span] = ()) -> Markup:
    """The text as HTML, `spans` of it in <mark>; they may overlap and stand in any order."""
    parts, at = [], 0
    for start, end in merged(spans, len(text)):
        parts += [_html(text[at:start]), Markup("<mark>{}</mark>").format(_html(text[start:end]))]
        at = end
    return Markup("").join([*parts, _html(text[at:])])


def merged(spans: Iterable[Span], length: int) -> list[Span]:
    """The spans within a text of that length, in order and apart from one another."""
    found: list[Span] = []
    for start, end in sorted((max(0, start), min(length, end)) for start, end in spans):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def window(text: str, spans: Sequence[Span], most: int) -> tuple[str, list[Span]]:
    """At most so many characters of the text around its first span, with the spans in them; dots show what is cut."""
    if len(text) <= most:
        return text, list(spans)
    first = min(spans, default=(0, 0))
    start = max(0, min(first[0] - most // 4, len(text) - most))
    before, after = ("… " if start else ""), (" …" if start + most < len(text) else "")
    shift = len(before) - start
    part = text[start : start + most]
    within = [(max(a, start) + shift, min(b, start + most) + shift) for a, b in spans]
    return f"{before}{part}{after}", within


def _html(text: str) -> Markup:
    parts, at = [], 0
    for found in _ODD.finditer(text):
        parts += [escape(text[at : found.start()]), Markup('<i class="odd">{}</i>').format(_named(found[0]))]
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])


def _named(character: str) -> str:
    return f"U+{ord(character):04X}"
