"""How far a long command is: a bar on a terminal, a plain line every few seconds elsewhere."""

import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from gen.terminal import safe
from generator.progress import BAR_EVERY_S, LINE_EVERY_S, RATE_OVER_S, duration

MOST_SKIPPED = 5
"""Names of what is not read that are said."""
_SCALES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


class Progress:
    """Shows stages one after the other; `show` may be called as often as one likes, it prints as often as is good."""

    def __init__(
        self, unit: str = "bytes", file: TextIO | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`unit` is what is counted: "bytes", or a plural such as "questions"."""
        self._unit = unit
        self._file = file or sys.stderr
        self._now = now
        self._stage = ""
        self._seen: deque[tuple[float, int]] = deque()
        self._last = now()  # what ends sooner than a line is due says nothing
        self._bar: Any = None
        self._task: Any = None
        self._terminal = self._file.isatty()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def count(self, unit: str) -> None:
        """Count something else from now on."""
        self._unit = unit

    def say(self, text: str) -> None:
        """A note of its own, above the bar; ids and names of others stand in some."""
        text = safe(text)
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, file=self._file, flush=True)

    def show(self, stage: str, done: int, total: int, more: str = "") -> None:
        """So much of a stage is done; a total of one or none means that nobody can say. `more` ends the line."""
        now = self.note(stage, done)
        if now - self._last < (BAR_EVERY_S if self._terminal else LINE_EVERY_S):
            return
        self._last = now
        if self._terminal:
            self._draw(done, total, more)
        else:
            print(self.line(total, more), file=self._file, flush=True)

    def note(self, stage: str, done: int) -> float:
        """Remember so much, from which the rate is known, and show nothing; the moment."""
        now = self._now()
        if stage != self._stage:
            self._stage = stage
            self._seen.clear()
        self._seen.append((now, done))
        while now - self._seen[0][0] > RATE_OVER_S and len(self._seen) > 2:
            self._seen.popleft()
        return now

    def per_s(self) -> float:
        """The rate of the present stage; 0 where it is not known yet."""
        (start, first), (now, done) = self._seen[0], self._seen[-1]
        return (done - first) / (now - start) if now > start else 0.0

    def eta(self, total: int) -> str:
        """The time that is left, as in ETA 45 s; empty where it is not known, or none is left."""
        left, per_s = total - self._seen[-1][1], self.per_s()
        return f"ETA {duration(left / per_s)}" if left > 0 and per_s > 0 else ""

    def line(self, total: int, more: str = "") -> str:
        """The present state in one line."""
        done, per_s = self._seen[-1][1], self.per_s()
        parts = [f"{self._stage}: {self._amount(done)} of {self._amount(total)}" if total > 1 else self._stage]
        if total > 1 and per_s > 0:
            parts.append(f"{self._amount(per_s)}/s")
            parts.append(f"ETA {duration((total - done) / per_s)}")
        return " · ".join([*parts, more] if more else parts)

    def _amount(self, number: float) -> str:
        if self._unit != "bytes":
            return f"{number:,.1f} {self._unit}" if 0 < number < 10 and number % 1 else f"{number:,.0f} {self._unit}"
        for scale, unit in _SCALES:
            if number >= scale:
                return f"{number / scale:.1f} {unit}"
        return f"{number:.0f} bytes"

    def _draw(self, done: int, total: int, more: str) -> None:
        if self._bar is None:
            self._bar = _bar(self._file)
            self._bar.start()
            self._task = self._bar.add_task("", total=None, line="")
        self._bar.update(self._task, completed=done, total=total if total > 1 else None, line=self.line(total, more))

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def say_inputs(progress: Progress, paths: Sequence[Path]) -> None:
    """Say what in the folders of an input is not read, what is named twice, and what holds nothing."""
    from dialogue.conversion.remarks import remarks_on
    from dialogue.conversion.rows import skipped

    for line in remarks_on(paths):
        progress.say(line)

    for path in paths:
        names = skipped(path)
        if names:
            more = f" and {len(names) - MOST_SKIPPED:,} more" if len(names) > MOST_SKIPPED else ""
            progress.say(f"skipped in {path}: {', '.join(names[:MOST_SKIPPED])}{more}")


def _bar(file: TextIO) -> Any:
    from rich.console import Console  # imported late: only a terminal needs it
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(file=file)
    columns = (BarColumn(bar_width=20), TextColumn("{task.fields[line]}", markup=False))
    return Progress(*columns, console=console, transient=True)
