"""When the next request (or token) under one limit may go: evenly spaced, never above the limit in any minute."""

import math
from collections import deque

SHARE = 0.996
"""Of the stated limit: what is lost keeps a strict sliding window from ever refusing."""
WINDOW_S = 60.25
"""A minute, and the quarter of a second by which two requests may be shifted on their way."""


class Slots:
    """A next-slot clock that counts in requests or in tokens.

    A request goes as soon as the clock has come, and pushes it on by its own amount: so one of any size goes in the
    end. Lateness of up to `slack_s` is made up for, which is what keeps timers from losing capacity.
    """

    def __init__(self, per_minute: float, slack_s: float) -> None:
        self.slack_s = slack_s
        self.next_at = -math.inf
        self._log: deque[tuple[float, float]] = deque()
        self._sum = 0.0
        self._began = math.nan
        self.limit(per_minute, per_minute)

    def limit(self, per_minute: float, most: float) -> None:
        """A new limit from now on, with the most that may go in any one minute, the last one included."""
        self.per_minute = per_minute
        self._step_s = 60.0 / (per_minute * SHARE)
        self._most = most

    def due(self, now: float, amount: float) -> float:
        """The time from which this amount may go; any time up to `now` means at once."""
        self._forget(now)
        return max(self.next_at, self._room_at(amount))

    def take(self, now: float, amount: float) -> None:
        """Charge an amount that goes now."""
        if math.isnan(self._began):  # the first one has no lateness to make up for
            self._began = now
            self.hold(now)
        self.next_at = max(self.next_at, now - self.slack_s) + amount * self._step_s
        self._note(now, amount)

    def correct(self, now: float, amount: float) -> None:
        """Charge (or give back, below zero) what an earlier amount was wrong by."""
        self.next_at += amount * self._step_s
        self._note(now, amount)

    def hold(self, until: float) -> None:
        """No slot before that time, and no credit for the wait."""
        self.next_at = max(self.next_at, until)

    def rate(self, now: float) -> float:
        """What went in the last minute; before a minute is over, what a minute like this would bring."""
        self._forget(now)
        if math.isnan(self._began):
            return 0.0
        return self._sum * 60.0 / min(max(now - self._began, 1.0), WINDOW_S)

    def _note(self, now: float, amount: float) -> None:
        self._log.append((now, amount))
        self._sum += amount

    def _forget(self, now: float) -> None:
        while self._log and self._log[0][0] <= now - WINDOW_S:
            self._sum -= self._log.popleft()[1]

    def _room_at(self, amount: float) -> float:
        """When so much of the last minute has passed that the amount fits; a larger one than fits wants it empty."""
        over, at = self._sum + min(amount, self._most) - self._most, -math.inf
        for sent_at, sent in self._log:
            if over <= 0:
                break
            over, at = over - sent, sent_at + WINDOW_S
        return at
