"""Charts as inline SVG: each function draws one, says in words what it shows, and knows nothing of reports.

Colours come from classes, and sizes from attributes: the pages allow no inline style.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import log10
from statistics import median

from markupsafe import Markup

from filters.pages.bins import Bin, Cut, cut, round_up
from filters.pages.texts import visible
from filters.pages.wording import count, number

WIDTH, HEIGHT = 420, 210
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 40, 40
SKEWED = 30
"""The highest bin is this many times the middle one: counts on a logarithmic scale, else the rare are not seen."""
LEAST_WIDTH = 0.4
"""Per cent of a bar that a part which is not nought takes at least."""

Attribute = str | float


def element(name: str, *content: str, **attributes: Attribute) -> Markup:
    """An SVG element; content and values are escaped, numbers rounded to hundredths, `class_` is class."""
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _value(value)) for key, value in attributes.items()
    )
    inside = Markup("").join(part if isinstance(part, Markup) else visible(part) for part in content)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, inside)  # noqa: S704  a name of ours


def bar(parts: Sequence[tuple[str, float]], whole: float, said: str) -> Markup:
    """A bar across the page: (class, size) parts side by side, of `whole` in all."""
    at, drawn = 0.0, []
    for kind, part in parts:
        width = max(100 * part / whole, LEAST_WIDTH) if part > 0 and whole > 0 else 0.0
        at = min(at, 100 - width)
        drawn.append(element("rect", x=f"{at:.2f}%", y=0, width=f"{width:.2f}%", height="100%", class_=kind))
        at += width
    return element("svg", element("title", said), *drawn, role="img", class_="bar", width="100%", height=12)


def meter(share: float, low: float, high: float, said: str) -> Markup:
    """A short bar of a share of 1, with its interval as a line."""
    return element(
        "svg",
        element("title", said),
        element("rect", x=0, y=3, width="100%", height=6, class_="track"),
        element("rect", x=0, y=3, width=f"{100 * share:.1f}%", height=6, class_="found"),
        element("line", x1=f"{100 * low:.1f}%", x2=f"{100 * high:.1f}%", y1=6, y2=6, class_="interval"),
        role="img",
        class_="meter",
        width="100%",
        height=12,
    )


def histogram(
    values: Sequence[tuple[float, int]],
    label: str,
    *,
    counted: str = "dialogues",
    least: float | None = None,
    most: float | None = None,
) -> Markup:
    """Bars of how many have which value, with a line at each limit; what lies beyond one has another colour.

    `values` are (value, how many), at least one of them.
    """
    limits = [limit for limit in (least, most) if limit is not None]
    found = cut(values, limits)
    counts = [one.dialogues for one in found.bins if one.dialogues]
    skewed = max(counts) > 100 and max(counts) > SKEWED * median(counts)
    shift = 0.5 if found.whole and not found.scale.logarithmic else 0.0
    low = None if least is None else least - shift
    high = None if most is None else most + shift
    drawn = [
        *_count_axis(max(counts), skewed, counted),
        *_value_axis(found, label),
        *(rect for one in found.bins if one.dialogues for rect in _column(found, one, max(counts), skewed, low, high)),
        *_limit(found, low, f"least {number(least)}" if least is not None else ""),
        *_limit(found, high, f"most {number(most)}" if most is not None else ""),
    ]
    said = _said(values, label, counted, least, most)
    box = f"0 0 {WIDTH} {HEIGHT}"
    title = element("title", f"How many {counted} have which {label}")
    return element("svg", title, element("desc", said), *drawn, role="img", class_="histogram", viewBox=box)


def short(value: float) -> str:
    """A number for an axis: 0.05, 20, 5k, 1.2M."""
    for unit, power in (("M", 6), ("k", 3)):
        if abs(value) >= 10**power:
            return f"{number(value / 10**power)}{unit}"
    return number(value)


def _value(value: Attribute) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def _x(place: float) -> float:
    return LEFT + place * (WIDTH - LEFT - RIGHT)


def _height(n: float, highest: float, skewed: bool) -> float:
    """Of a column, in the drawing's units; a single one can be seen on a logarithmic scale."""
    share = log10(1 + n) / log10(1 + highest) if skewed else n / highest
    return max(share * (HEIGHT - TOP - BOTTOM), 1.0)


def _column(found: Cut, one: Bin, highest: int, skewed: bool, least: float | None, most: float | None) -> list[Markup]:
    """A bin's bar, cut where a limit runs through it."""
    edges = [one.low, *(limit for limit in (least, most) if limit is not None and one.low < limit < one.high), one.high]
    height = _height(one.dialogues, highest, skewed)
    title = element("title", f"{_span(found, one)}: {count(one.dialogues)}")
    drawn = []
    for start, end in pairwise(edges):
        beyond = (least is not None and end <= least) or (most is not None and start >= most)
        left, right = _x(found.scale.place(start)), _x(found.scale.place(end))
        gap = min(1.0, (right - left) / 4) if end == one.high else 0.0
        kind = "beyond" if beyond else "within"
        y = HEIGHT - BOTTOM - height
        drawn.append(element("rect", title, x=left, y=y, width=right - left - gap, height=height, class_=kind))
    return drawn


def _span(found: Cut, one: Bin) -> str:
    """A bin's values in words."""
    if found.nought and one is found.bins[0]:
        return "0"
    low, high = (one.low + 0.5, one.high - 0.5) if found.whole and not found.scale.logarithmic else (one.low, one.high)
    return number(low) if found.whole and high - low <= 1 else f"{number(low)} to {number(high)}"


def _count_axis(highest: int, skewed: bool, counted: str) -> list[Markup]:
    if skewed:
        ticks = [float(10**power) for power in range(len(str(highest)))]
        ticks = ticks[:: 2 if len(ticks) > 5 else 1]
    else:
        step = max(1.0, round_up(highest / 4))
        ticks = [step * place for place in range(1, int(highest / step) + 1)]
    drawn = [element("text", f"{counted}, logarithmic" if skewed else counted, x=2, y=12, class_="name")]
    for tick in ticks:
        y = HEIGHT - BOTTOM - _height(tick, highest, skewed)
        drawn.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        drawn.append(element("text", short(tick), x=LEFT - 5, y=y + 4, text_anchor="end"))
    return drawn


def _value_axis(found: Cut, label: str) -> list[Markup]:
    base = HEIGHT - BOTTOM
    drawn = [element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=base, y2=base, class_="axis")]
    ticks = [(tick, found.scale.place(tick)) for tick in found.scale.ticks() if not found.whole or tick == int(tick)]
    if found.nought:
        first = found.bins[0].high
        ticks = [(0.0, found.scale.place(first) / 2), *(one for one in ticks if one[0] >= first)]
    for tick, place in ticks:
        x = _x(place)
        drawn.append(element("line", x1=x, x2=x, y1=base, y2=base + 4, class_="axis"))
        drawn.append(element("text", short(tick), x=x, y=base + 16, text_anchor="middle"))
    name = f"{label}, logarithmic" if found.scale.logarithmic else label
    drawn.append(element("text", name, x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 4, text_anchor="middle", class_="name"))
    return drawn


def _limit(found: Cut, limit: float | None, said: str) -> list[Markup]:
    """A line at a limit; one beyond the scale stands at its edge, with an arrow."""
    if limit is None:
        return []
    place = found.scale.place(limit)
    outside = limit > found.scale.high or limit < found.scale.low
    x = _x(place)
    anchor, step = ("end", -4) if place > 0.5 else ("start", 4)
    text = (f"{said} →" if place > 0.5 else f"← {said}") if outside else said
    line = element("line", x1=x, x2=x, y1=TOP - 14, y2=HEIGHT - BOTTOM, class_="limit")
    label = element("text", text, x=x + step, y=TOP - 8, text_anchor=anchor, class_="limit")
    return [label] if outside else [line, label]


def _said(
    values: Sequence[tuple[float, int]], label: str, counted: str, least: float | None, most: float | None
) -> str:
    total = sum(n for _, n in values)
    lowest, highest = min(value for value, _ in values), max(value for value, _ in values)
    parts = [f"{count(total)} {counted}, {label} from {number(lowest)} to {number(highest)}."]
    if most is not None:
        beyond = sum(n for value, n in values if value > most)
        parts.append(f"The most that is kept is {number(most)}; about {count(beyond)} lie above.")
    if least is not None:
        beyond = sum(n for value, n in values if value < least)
        parts.append(f"The least that is kept is {number(least)}; about {count(beyond)} lie below.")
    return " ".join(parts)
