"""Whether everyone waits now, since an endpoint refused a request or could not be reached."""

import math
import random

BURST_S = 1.0
"""Refusals that arrive within this time of the first one have one cause, and count as one."""
PROBE_S = 1.0
"""How long the rest waits for the verdict on the one request that goes first after a pause: refusals come at once,
while an answer may be a minute in the making."""
PROBE_FROM_S = 2.0
"""After a shorter pause for a 429 nobody needs to go first: the others are evenly spaced anyway."""
EDGE_S = 0.05
"""Added to what an endpoint asks for: on its very edge, the jitter of the way decides about the next refusal."""
LONGEST_BACKOFF_S = 60.0


class Pause:
    """The shared pause: until when it lasts, and who has to go first when it is over."""

    def __init__(self) -> None:
        self.until = -math.inf
        self.cause = ""
        self.probing = False
        """One request has gone, and the rest waits for what becomes of it."""
        self._probe_due = False
        self._tried = True
        """Whether any request has gone since the last burst of refusals; if none has, there is no new burst."""
        self._strikes = 0
        self._burst_at = -math.inf

    def refused(self, now: float, retry_after_s: float | None) -> bool:
        """Move the clock for a 429; whether it is the first of a new burst."""
        new = self._tried and now >= self._burst_at + BURST_S
        if new:
            self._burst_at = now
            self._tried = False
            self._strikes += 1
        if retry_after_s is None:
            retry_after_s = self._backoff_s() if new else 0.0
        self._begin(now, retry_after_s + EDGE_S, " after a 429", probe=retry_after_s >= PROBE_FROM_S)
        return new

    def begin(self, now: float, wait_s: float) -> None:
        """Nobody goes for so long, then one goes first; a shorter pause does not cut a longer one."""
        self._begin(now, wait_s, "", probe=True)

    def _begin(self, now: float, wait_s: float, cause: str, *, probe: bool) -> None:
        if self.probing or now + wait_s > self.until:
            self.until, self.cause = now + wait_s, cause
        self._probe_due = self._probe_due or self.probing or probe
        self.probing = False

    def went(self, now: float) -> None:
        """A request was sent: after a pause it is the probe."""
        self._tried = True
        self.probing = self._probe_due
        if self._probe_due:
            self._probe_due, self.until = False, now + PROBE_S

    def accepted(self, now: float) -> None:
        """A reply came: if any request has gone since the refusal, the pause did its work."""
        if self._tried:
            self._strikes = 0
            if self.probing:
                self.probing, self.until = False, now

    def over(self, now: float) -> bool:
        """Whether all may go."""
        return now >= self.until and not self._probe_due

    def _backoff_s(self) -> float:
        """1, 2, 4 ... 60 s, a fifth more or less so that several processes on one key part ways."""
        return min(LONGEST_BACKOFF_S, 2.0 ** min(self._strikes - 1, 10)) * random.uniform(0.8, 1.2)
