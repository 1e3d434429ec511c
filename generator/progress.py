"""How a run tells what it is doing: a bar on a terminal, a plain line every few seconds elsewhere."""

import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

LINE_EVERY_S = 5.0
BAR_EVERY_S = 0.5
RATE_OVER_S = 30.0


@dataclass(frozen=True, slots=True)
class State:
    """A run at one moment."""

    done: int
    n: int
    failed: int
    turns: int
    tokens: int
    cost_usd: float | None
    rejections: int
    """Replies with status 429."""
    limiting: str
    """What holds the run back just now."""


class Progress:
    """Shows states; `show` may be called as often as one likes, it prints as often as is good."""

    def __init__(
        self, file: TextIO | None = None, now: Callable[[], float] = time.monotonic, about: str | None = None
    ) -> None:
        """`about` stands before every line: of several runs, which it is."""
        self._about = f"{about}: " if about else ""
        self._file = file or sys.stderr
        self._now = now
        self._seen: deque[tuple[float, State]] = deque()
        self._last = float("-inf")
        self._bar: Any = None
        self._terminal = self._file.isatty()

    def say(self, text: str) -> None:
        """A note of its own, above the bar."""
        text = f"{self._about}{text}"
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, file=self._file, flush=True)

    def show(self, state: State, last: bool = False) -> None:
        """Print the state if it is time to, or if it is the last one."""
        now = self._now()
        self._seen.append((now, state))
        while now - self._seen[0][0] > RATE_OVER_S and len(self._seen) > 2:
            self._seen.popleft()
        if not last and now - self._last < (BAR_EVERY_S if self._terminal else LINE_EVERY_S):
            return
        self._last = now
        if self._terminal:
            self._draw(state)
        else:
            print(self.line(), file=self._file, flush=True)

    def line(self) -> str:
        """The present state in one line."""
        (start, first), (now, state) = self._seen[0], self._seen[-1]
        span = max(now - start, 1e-9)
        known = span >= 0.2
        per_s = (state.done + state.failed - first.done - first.failed) / span
        parts = [
            self._about + so_many(state.done, state.n, f"{state.done:,}/{state.n:,} dialogues"),
            *([f"{(state.turns - first.turns) / span:,.1f} turns/s"] if known else []),
            f"{state.tokens:,} tokens",
        ]
        if state.cost_usd is not None:
            parts.append(f"${state.cost_usd:,.4f}")
        if state.failed:
            parts.append(f"{state.failed:,} failed")
        if state.rejections:
            parts.append(f"{state.rejections:,} x 429")
        left = max(0, state.n - state.done)
        if left:
            parts.append(f"ETA {duration(left / per_s)}" if per_s > 0 else "ETA unknown")
        parts.append(f"limited by {state.limiting}")
        return " · ".join(parts)

    def _draw(self, state: State) -> None:
        if self._bar is None:
            self._bar = _bar(self._file)
            self._bar.start()
            self._task = self._bar.add_task("", total=state.n, line="")
        self._bar.update(self._task, completed=state.done, total=state.n, line=self.line())

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _bar(file: TextIO) -> Any:
    from rich.console import Console  # imported late: only a terminal needs it
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(file=file)
    return Progress(BarColumn(bar_width=20), TextColumn("{task.fields[line]}", markup=False), console=console)


def so_many(done: int, n: int, share: str) -> str:
    """The share that is done, where it is one: a folder may hold more than is asked for."""
    return share if done <= n else f"{done:,} dialogues, more than the {n:,} asked for"


def duration(seconds: float) -> str:
    """Seconds as a person says them: "48 s", "12 min", "3 h 05 min", "2 d 4 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    return f"{hours // 24} d {hours % 24} h"
