"""The rates that hold now for one endpoint and key: stated by the user, learned from headers, or felt out from 429s."""

import math
import sys
from collections.abc import Callable, Mapping

from asyncio_throttle.throttler import Throttler

from generator.pace.adaptive import Adaptive
from generator.pace.limits import KINDS, Kind, Limits, short
from generator.pace.slots import SHARE, Slots

SLACK_S: dict[Kind, float] = {"requests": 1.0, "tokens": 2.0}
"""How much lateness, of a timer or of a reply's correction, is made up for."""
STRICT_SHARE: dict[Kind, float] = {"requests": 1.0, "tokens": 0.998}
"""Of a stated limit, the most in any one minute: the tokens of requests under way are still estimates."""
GUARD_POLL_S = 0.005
LOOK_FIRST, LOOK_EVERY = 20, 50
"""Headers are read in the first replies, then in one of so many: reading costs more than pacing."""


class Rates:
    """One next-slot clock for requests and one for tokens, each there only where such a limit is known."""

    def __init__(self, limits: Limits, say: Callable[[str], None]) -> None:
        self._limits = limits
        self._say = say
        self._adaptive = Adaptive()
        self._replies = 0
        self.slots: dict[Kind, Slots] = {}
        # Behind the slots: they make up for lateness, this keeps what goes within any one second near its share.
        self.guard = Throttler(rate_limit=sys.maxsize, period=1.0, retry_interval=GUARD_POLL_S)
        self._apply()

    def due(self, now: float, tokens: int) -> float:
        """The time from which a request of so many tokens may go."""
        return max((slots.due(now, _amount(kind, tokens)) for kind, slots in self.slots.items()), default=-math.inf)

    def take(self, now: float, tokens: int) -> None:
        """Charge a request that goes now."""
        for kind, slots in self.slots.items():
            slots.take(now, _amount(kind, tokens))

    def give_back(self, now: float, tokens: int) -> None:
        """Undo the charge of a request that was not sent after all."""
        for kind, slots in self.slots.items():
            slots.correct(now, -_amount(kind, tokens))

    def hold(self, until: float) -> None:
        """No request before that time."""
        for slots in self.slots.values():
            slots.hold(until)

    def mark(self, now: float, sent: int, refused: int) -> None:
        """Note what was sent and refused so far, from which a rate can be felt out later."""
        self._adaptive.mark(now, sent, refused)

    def learn(self, headers: Mapping[str, str]) -> bool:
        """Whether a reply's headers changed a limit."""
        self._replies += 1
        looks = self._replies <= LOOK_FIRST or self._replies % LOOK_EVERY == 0
        if not looks or not self._limits.learn(headers):
            return False
        self._adaptive.end()
        self._apply()
        self._say(f"limits of the endpoint: {self._limits}")
        return True

    def grow(self, now: float) -> None:
        """Raise a rate that was felt out, where no refusal came for long enough."""
        if self._adaptive.grown(now):
            self._apply()

    def refused(self, now: float, resume_at: float, sent: int, refused: int, *, new_burst: bool) -> None:
        """Feel out a rate after a 429, where no limit is stated or the stated one cannot be the true one."""
        adaptive = self._adaptive
        if self._limits.per_minute and adaptive.per_minute is None and not adaptive.disproved(now, sent, refused):
            return
        begun = adaptive.per_minute is not None
        adaptive.refused(now, resume_at, sent, refused, new_burst=new_burst)
        if not begun and adaptive.per_minute is not None:
            self._say("429s that no stated limit explains: feeling out the rate from what is admitted")
        self._apply()

    def phrase(self, now: float, tokens: int) -> str:
        """Which rate a request of so many tokens waits for, with what was used of it in the last minute."""
        kind = max(self.slots, key=lambda kind: self.slots[kind].due(now, _amount(kind, tokens)))
        slots = self.slots[kind]
        if kind == "requests" and self._adaptive.per_minute is not None:
            return f"adaptive: {short(slots.per_minute)} requests/min"
        return f"provider: {short(slots.rate(now))} of {short(slots.per_minute)} {kind}/min"

    def _apply(self) -> None:
        """Give the slots and the guard the rates that hold now."""
        stated, felt = self._limits.per_minute, self._adaptive.per_minute
        if felt is not None and felt >= stated.get("requests", math.inf):
            self._adaptive.end()
            felt = None
        rates = stated if felt is None else {**stated, "requests": felt}
        for kind in KINDS:
            if kind not in rates:
                self.slots.pop(kind, None)
                continue
            slots = self.slots.setdefault(kind, Slots(rates[kind], SLACK_S[kind]))
            # A rate felt out is below what went before: it must not wait until that is a minute old.
            felt_out = kind == "requests" and felt is not None
            slots.limit(rates[kind], math.inf if felt_out else rates[kind] * STRICT_SHARE[kind])
        # A tenth above the share of a second: lateness is made up for soon, and no burst is ever large.
        per_s = rates["requests"] * SHARE / 60.0 if "requests" in rates else math.inf
        self.guard.rate_limit = sys.maxsize if per_s == math.inf else math.ceil(1.1 * per_s)


def _amount(kind: Kind, tokens: int) -> int:
    return 1 if kind == "requests" else tokens
