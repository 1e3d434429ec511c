"""A numbered list in plain text, read line by line: a number in the list's own style that continues the count begins
an item, everything up to the next such line belongs to it.

Items may run over several lines, hold lists of their own or begin with a digit. Where two readings are possible, the
one that gives the number of items asked for is taken; if neither does, the list is refused.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_HAN = "一二三四五六七八九十"
_MARK = re.compile(
    rf"""
    ^(?P<indent>[ \t]*)(?:>[ ])?(?:\#{{1,6}}[ ]+)?(?P<bold>\*\*)?
    (?P<label>(?i:question|q|opener|message|item|no\.?|问题|問題|第)[ ]*\#?)?
    (?P<open>[(（\[【])?
    (?P<number>\d{{1,3}}|[{_HAN}]{{1,3}})
    (?:(?P<mark>[.:\]])(?:\*\*)?(?=\s|$|["“A-Z]|[^\x00-\x7f])|(?P<wide>[)、．。：）】])(?:\*\*)?(?!\d)|(?P<none>)\*\*(?=\s))
    """,
    re.VERBOSE | re.MULTILINE,
)
_BULLET = re.compile(r"^([ \t]*)[-*•–‣·]\s+(?=\S)", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*```[^`\n]*$\n?", re.MULTILINE)
_RULE = re.compile(r"\n[ \t]*(?:[-*_][ \t]*){3,}$")
_HEADING = re.compile(r"\n[ \t]*\n[ \t]*(?:\#{1,6}\s[^\n]*|\*\*[^*\n]+\*\*[:：]?|[^\n]{1,60}[:：])$")

_REMARKS = (
    "let me know|i hope (?:this|these|that)|hope (?:this|these|that)|feel free|these (?:questions|openers|messages|"
    "items|names)|would you like me|do you want me|note:|note that|please let me|希望(?:这|這|以上)|如果(?:您|你)需要|"
    "如需|以上(?:是|就是|为|為)|請告訴我|请告诉我|需要我"
)
_REMARK = re.compile(rf"\n[ \t]*(?:\*\*|[*_(（])?(?:{_REMARKS})[^\n]*\Z", re.IGNORECASE)


class _Mark(NamedTuple):
    """A number at the head of a line."""

    start: int
    end: int
    number: int
    own: bool
    """Written as the list's first one is, and no deeper."""
    bold: bool


def numbered_items(text: str, finish_reason: str | None, expected: int) -> list[tuple[int | None, str]]:
    """Number and raw text of each item; the last is left out if the answer was cut."""
    text = _unfenced(text)
    marks = list(_marks(text))
    starts = _starts(marks, expected) if marks else list(_bullets(text, expected))
    if not starts:
        raise ValueError(f"no list in {text[:60]!r}")
    ends = [mark.start for mark in starts[1:]] + [len(text)]
    bodies = [_body(text, mark, end) for mark, end in zip(starts, ends, strict=True)]
    bodies[-1] = _without_remark(bodies[-1], bodies[:-1])
    items: list[tuple[int | None, str]] = [(mark.number, body) for mark, body in zip(starts, bodies, strict=True)]
    return items[:-1] if finish_reason == "length" else items


def list_start(text: str) -> int:
    """Where the first numbered line or bullet stands; the text's length if there is none."""
    return min((match.start() for match in (_MARK.search(text), _BULLET.search(text)) if match), default=len(text))


def _marks(text: str) -> Iterator[_Mark]:
    first: re.Match[str] | None = None
    for match in _MARK.finditer(text):
        first = first or match
        shallow = len(match["indent"]) <= len(first["indent"]) + 1
        own = shallow and _style(match) == _style(first)
        yield _Mark(match.start(), match.end(), _number(match["number"]), own, match["bold"] is not None)


def _style(match: re.Match[str]) -> tuple[str | None, ...]:
    """What the list's numbers have in common; bold and the width of a stop vary within one list."""
    mark = match["mark"] or match["wide"] or ""
    kind = "han" if match["number"][0] in _HAN else "digits"
    label = match["label"].strip().lower() if match["label"] else None
    return label, match["open"], {"．": ".", "：": ":", "）": ")", "】": "]"}.get(mark, mark), kind


def _number(text: str) -> int:
    if text[0] not in _HAN:
        return int(text)
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return _HAN.index(text[0]) + 1
    return 10 * (_HAN.index(tens[0]) + 1 if tens else 1) + (_HAN.index(ones[0]) + 1 if ones else 0)


def _starts(marks: Sequence[_Mark], expected: int) -> list[_Mark]:
    """The marks that begin items: those that continue the count."""
    if marks[0].number > 1:
        raise ValueError(f"the list begins with number {marks[0].number}")
    starts = [marks[0]]
    inner = foreign = 0  # how far a list inside the present item has counted, in the list's own style or another
    doubtful = False
    for mark in marks[1:]:
        continues = mark.number == starts[-1].number + 1
        if not mark.own:
            if mark.number in (1, foreign + 1):
                foreign = mark.number
            elif continues:
                raise ValueError(f"number {mark.number} is written in another style than the rest")
        elif continues:
            doubtful |= inner == mark.number - 1 > 0
            starts.append(mark)
            inner = foreign = 0
        elif mark.number in (1, inner + 1):
            inner = mark.number
        else:
            raise ValueError(f"after number {starts[-1].number} comes {mark.number}")
    if len(starts) == expected or not (doubtful or inner):
        return starts
    own = [mark for mark in marks if mark.own]
    if len(own) != expected:
        raise ValueError(f"numbers restart: {len(starts)} or {len(own)} items, expected {expected}")
    return [mark._replace(number=place) for place, mark in enumerate(own, 1)]


def _bullets(text: str, expected: int) -> Iterator[_Mark]:
    matches = list(_BULLET.finditer(text))
    indent = min((len(match[1]) for match in matches), default=0)
    outer = [match for match in matches if len(match[1]) == indent]
    if len(outer) > expected:
        raise ValueError(f"{len(outer)} bullets without numbers, expected {expected}")
    for number, match in enumerate(outer, 1):
        yield _Mark(match.start(), match.end(), number, True, False)


def _unfenced(text: str) -> str:
    """The text without the fence round the list; fences inside items stay."""
    fence = _FENCE.search(text)
    if fence is None or fence.start() > list_start(text):
        return text
    text = text[: fence.start()] + text[fence.end() :]
    closing = list(_FENCE.finditer(text))
    return text[: closing[-1].start()] if len(closing) % 2 else text


def _body(text: str, mark: _Mark, end: int) -> str:
    """The item between its mark and the next one; empty if its bold first line cannot be told from a heading."""
    body = _RULE.sub("", text[mark.end : end].rstrip())
    body = _HEADING.sub("", body).rstrip() if end < len(text) else body
    first, *rest = body.split("\n")
    if mark.bold and first.rstrip().endswith("**") and not first.lstrip().startswith("**"):
        head = first.rstrip().removesuffix("**").strip()
        if not rest:
            return head
        return "\n".join(rest) if len(head.split()) <= 4 and head[-1:] not in "?？.。!！" else ""
    width = mark.end - mark.start + len(first) - len(first.lstrip())
    hanging = [len(line) - len(line.lstrip(" ")) for line in rest if line.strip()]
    if hanging and min(hanging) == width:
        rest = [line[width:] for line in rest]
    return "\n".join([first.strip(), *(line.rstrip() for line in rest)]).strip()


def _without_remark(last: str, others: Sequence[str]) -> str:
    """The last item without the remark that closes the list; empty if its last paragraph might be one."""
    known = _REMARK.sub("", last).rstrip()
    known = _RULE.sub("", "\n" + known).strip()
    if "\n\n" in known and not any("\n\n" in body for body in others):
        return ""
    return known
