"""A request rate felt out from refusals, for an endpoint that states no limit (or a wrong one)."""

from collections import deque
from typing import NamedTuple

GROW_EVERY_S = 15.0
GROWTH, SHRINK, FIRST_SHARE = 1.05, 0.9, 0.95
UNPROVEN_GROWTH = 1.5
"""Until a second burst of refusals proves that there is a limit at all: the first may have been a hiccup."""
LEAST_PER_MINUTE = 1.0
MEASURABLE, UNMEASURED_BURSTS = 5, 3
"""A rate is read off so many admitted requests at least; from a fourth burst on, off whatever there is."""
MANY_REFUSALS, MANY_SHARE = 10, 0.05
"""Within a minute; fewer are the jitter at the edge of a limit that is true."""


class Mark(NamedTuple):
    """What was sent, and refused of it, up to a moment."""

    at: float
    sent: int
    refused: int


class Adaptive:
    """None until it is begun; then a rate that shrinks with each burst of refusals and grows between them."""

    def __init__(self) -> None:
        self.per_minute: float | None = None
        self._marks: deque[Mark] = deque(maxlen=61)
        self._measuring = False
        self._grow_at = 0.0
        self._bursts = 0
        self._proven = False
        self._before_growth: float | None = None
        """The rate before it last grew, as long as nothing proves a limit."""

    def mark(self, now: float, sent: int, refused: int) -> None:
        """Note what was sent and refused so far; one mark a second is kept, a minute long."""
        if not self._marks or now >= self._marks[-1].at + 1.0:
            self._marks.append(Mark(now, sent, refused))

    def disproved(self, now: float, sent: int, refused: int) -> bool:
        """Whether so much of the last minute was refused that a stated limit cannot be the true one."""
        since = self._minute_ago(now, sent, refused)
        lately = refused - since.refused
        return lately >= MANY_REFUSALS and lately > MANY_SHARE * (sent - since.sent)

    def refused(self, now: float, resume_at: float, sent: int, refused: int, *, new_burst: bool) -> None:
        """Begin just under what was admitted, the pause included; or shrink, once for each new burst.

        Where next to nothing was admitted yet there is nothing to begin from, and the pause alone has to do.
        """
        self._bursts += new_burst
        if new_burst and self.per_minute is not None:
            self._measuring = False
            tried = self._before_growth or self.per_minute * SHRINK
            self.per_minute = max(LEAST_PER_MINUTE, min(tried, self.per_minute * SHRINK))
            self._proven, self._before_growth = True, None
        elif self.per_minute is None or self._measuring:
            self._measuring = True  # every refusal of the first burst was counted as admitted until it came
            since = self._minute_ago(now, sent, refused)
            admitted = sent - since.sent - (refused - since.refused)
            if admitted <= 0 or (admitted < MEASURABLE and self._bursts <= UNMEASURED_BURSTS):
                self.end()
                return
            measured = admitted * 60.0 / max(1.0, resume_at - since.at)
            self.per_minute = max(LEAST_PER_MINUTE, FIRST_SHARE * measured)
        self._grow_at = resume_at + GROW_EVERY_S

    def _minute_ago(self, now: float, sent: int, refused: int) -> Mark:
        return next((mark for mark in self._marks if mark.at >= now - 60.0), Mark(now, sent, refused))

    def grown(self, now: float) -> bool:
        """Whether the rate just grew, because no refusal came for long enough."""
        if self.per_minute is None or now < self._grow_at:
            return False
        self._before_growth = None if self._proven else self.per_minute
        self.per_minute *= GROWTH if self._proven else UNPROVEN_GROWTH
        self._grow_at = now + GROW_EVERY_S
        return True

    def end(self) -> None:
        self.per_minute, self._measuring = None, False
        self._proven, self._before_growth = False, None
