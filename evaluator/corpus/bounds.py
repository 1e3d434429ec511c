"""The acceptance table of user turns: its rows and bounds, read from bounds.toml, and what a figure makes of them."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from dialogue.records import Record
from evaluator.corpus.figure import Figure

FILE = Path(__file__).with_name("bounds.toml")
Verdict = Literal["pass", "between", "alarm", "not applicable"]
Bounds = tuple[float, float]


class Row(Record):
    """One figure of the table."""

    key: str
    text: str
    unit: str
    of: tuple[str, str] | None = None
    """Counts of which the second divides the first; None: measured under its key."""
    absent: str = "there is none"
    """Why there is no value where the second count is 0."""
    within: Bounds = Field(alias="pass")
    """Where it passes."""
    bearable: Bounds | None = Field(default=None, alias="alarm")
    """Beyond which it alarms; None: it never does."""
    worsens: bool = False
    """Whether more dialogues could only make it worse: too few can then alarm."""

    def beyond(self, value: float) -> bool:
        """Whether the value alarms."""
        return self.bearable is not None and not self.bearable[0] <= value <= self.bearable[1]

    def clears(self, figure: Figure) -> bool:
        """Whether value and interval lie within the bounds."""
        ends = (figure.value, figure.low, figure.high)
        return all(self.within[0] <= end <= self.within[1] for end in ends if end is not None)


class Table(Record):
    """All of bounds.toml."""

    pass_least: int
    least: int
    rows: tuple[Row, ...]


@cache
def table() -> Table:
    """The table."""
    return Table.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8")))


def judged(row: Row, figure: Figure, dialogues: int) -> dict[str, Any]:
    """The row for programs: the figure, its bounds, the verdict, and the reason where it takes one.

    `dialogues` is how many were looked at.
    """
    verdict, reason = _verdict(row, figure, dialogues)
    plain = {name: value for name, value in figure.plain().items() if name != "why"}
    bounds = {"pass": list(map(_finite, row.within)), "alarm": list(map(_finite, row.bearable or ())) or None}
    return {"key": row.key, "text": row.text, **plain, **bounds, "verdict": verdict, "reason": reason}


def _verdict(row: Row, figure: Figure, dialogues: int) -> tuple[Verdict, str | None]:
    if figure.value is None:
        return "not applicable", figure.why
    if dialogues < table().least:
        return "not applicable", f"n = {dialogues} dialogues, {table().least} at least"
    if figure.why is not None:
        return ("alarm", figure.why) if row.worsens and row.beyond(figure.value) else ("not applicable", figure.why)
    if row.beyond(figure.value):
        return "alarm", None
    if not row.clears(figure):
        inside = row.within[0] <= figure.value <= row.within[1]
        return "between", "the interval reaches beyond" if inside else None
    if dialogues < table().pass_least:
        return "not applicable", f"within, but of {dialogues:,} dialogues"
    return "pass", None


def _finite(bound: float) -> float | None:
    """JSON knows no infinity."""
    return None if bound == float("inf") else bound
