"""An interval as inline SVG."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from filters.pages.charts import element


class Axis(NamedTuple):
    """What all bars of a table are drawn on."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Per cent from the left."""
        span = self.high - self.low
        return 50.0 if span <= 0 else min(100.0, max(0.0, 100 * (value - self.low) / span))


def axis(values: Sequence[float | None], *, zero: bool = False) -> Axis:
    """An axis that all values lie on, with a little air; `zero`: nought lies on it too."""
    found = [value for value in values if value is not None] + ([0.0] if zero else [])
    if not found:
        return Axis(0.0, 1.0)
    low, high = min(found), max(found)
    air = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    return Axis(low - air, high + air)


def interval(value: float | None, low: float | None, high: float | None, on: Axis, said: str, kind: str = "") -> Markup:
    """A dot at the value and a line over its interval; nought as a fine line where it is on the axis."""
    drawn = [element("title", said), element("line", x1="0%", x2="100%", y1=8, y2=8, class_="track")]
    if on.low < 0 < on.high:
        drawn.append(element("line", x1=f"{on.at(0):.2f}%", x2=f"{on.at(0):.2f}%", y1=0, y2=16, class_="nought"))
    if low is not None and high is not None:
        ends = {"x1": f"{on.at(low):.2f}%", "x2": f"{on.at(high):.2f}%"}
        drawn.append(element("line", **ends, y1=8, y2=8, class_="span"))
    if value is not None:
        drawn.append(element("circle", cx=f"{on.at(value):.2f}%", cy=8, r=4, class_=f"dot {kind}".strip()))
    return element("svg", *drawn, role="img", class_="interval-chart", width="100%", height=16)
