"""What an endpoint's headers say about its limits, and how long a refused request is to wait."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple

Kind = Literal["requests", "tokens"]
KINDS: tuple[Kind, ...] = ("requests", "tokens")

MAX_RETRY_AFTER_S = 3600.0
"""No pause asked for by an endpoint is longer: a mistaken date must not park a run for a week."""
MINUTE_S, LONG_S, DAY_S = 60.0, 600.0, 86_400.0

_UNITS_S = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY_S}
_PART = r"(\d+(?:\.\d+)?)(us|µs|ms|s|m|h|d)"
_DURATION = re.compile(rf"(?:{_PART})+")
_QUOTA = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:$|[,;])")
_WINDOW = re.compile(r"\bw=(\d+)")


def seconds(text: str | None) -> float | None:
    """The seconds in "6m0s", "120ms", "7m12.5s" or a plain "12"; None for anything else."""
    text = (text or "").strip().lower()
    if _DURATION.fullmatch(text):
        return sum(float(number) * _UNITS_S[unit] for number, unit in re.findall(_PART, text))
    return _number(text)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The wait that a refusal asks for, from 0 to `MAX_RETRY_AFTER_S`; None where it names none."""
    lower = {name.lower(): value for name, value in headers.items()}
    wait_s = _asked_s(lower)
    return None if wait_s is None else min(max(0.0, wait_s), MAX_RETRY_AFTER_S)


def _asked_s(lower: Mapping[str, str]) -> float | None:
    in_ms = _number(lower.get("retry-after-ms"))
    if in_ms is not None:
        return in_ms / 1000.0
    after = lower.get("retry-after")
    for wait_s in (seconds(after), _until_s(after, lower.get("date"))):
        if wait_s is not None:
            return wait_s
    spent = [kind for kind in KINDS if _number(lower.get(f"x-ratelimit-remaining-{kind}")) == 0]
    resets = [seconds(lower.get(f"x-ratelimit-reset-{kind}")) for kind in spent or KINDS[:1]]
    return max((reset for reset in resets if reset is not None), default=None)


def _until_s(date: str | None, server_date: str | None) -> float | None:
    """Seconds from now to an HTTP date, by the server's own clock where it sent one."""
    then = _moment(date)
    return None if then is None else (then - (_moment(server_date) or datetime.now(UTC))).total_seconds()


def _moment(date: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(date or "")
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Reading(NamedTuple):
    """One limit as one reply's headers state it."""

    limit: float
    remaining: float | None = None
    reset_s: float | None = None
    window_s: float | None = None
    """Stated outright, as in `ratelimit-limit: 100;w=60`."""

    @property
    def used(self) -> float:
        return 0.0 if self.remaining is None else self.limit - self.remaining

    @property
    def refill_s(self) -> float | None:
        """How long a steadily refilled limit would need from empty to full."""
        return self.reset_s * self.limit / self.used if self.reset_s and self.used > 0 else None


def readings(headers: Mapping[str, str]) -> dict[Kind, Reading]:
    """The limits that a reply states; one of 0, or one that is no number, is not stated."""
    lower = {name.lower(): value for name, value in headers.items()}
    found: dict[Kind, Reading] = {}
    for kind in KINDS:
        limit = _number(lower.get(f"x-ratelimit-limit-{kind}"))
        if limit is not None and limit > 0:
            remaining = _number(lower.get(f"x-ratelimit-remaining-{kind}"))
            found[kind] = Reading(limit, remaining, seconds(lower.get(f"x-ratelimit-reset-{kind}")))
    quota = _QUOTA.match(lower.get("ratelimit-limit", ""))
    if "requests" not in found and quota and float(quota[1]) > 0:
        found["requests"] = _standard(lower, float(quota[1]))
    return found


def _standard(lower: Mapping[str, str], limit: float) -> Reading:
    """The IETF draft's headers, `ratelimit-limit: 100, 100;w=60` and its neighbours."""
    window = _WINDOW.search(lower["ratelimit-limit"])
    window_s = float(window[1]) if window and float(window[1]) > 0 else None
    return Reading(limit, _number(lower.get("ratelimit-remaining")), seconds(lower.get("ratelimit-reset")), window_s)


class Gauge:
    """One limit followed over replies: per minute, unless its resets show a window of ten minutes or more.

    Some providers state a limit per DAY in these headers. A limit that refills steadily says so itself: reset
    x limit / used is its window, whatever was used. In a fixed window that product falls as it is used up, so that a
    single reading early in a fixed minute looks like hours: two readings decide.
    """

    def __init__(self) -> None:
        self.window_s = MINUTE_S
        self._first: Reading | None = None
        self._sure = False

    def per_minute(self, reading: Reading) -> float:
        """The limit for each minute, by this reading and those before."""
        if not self._sure:
            self._judge(reading)
        return reading.limit * MINUTE_S / self.window_s

    def _judge(self, reading: Reading) -> None:
        refill_s, first = reading.refill_s, self._first
        if reading.window_s is not None:
            self.window_s, self._sure = reading.window_s, True
        elif refill_s is None or reading.reset_s is None:
            return
        elif refill_s < LONG_S:
            self.window_s, self._sure = MINUTE_S, True
        elif first is None or first.refill_s is None or reading.used < 1.5 * first.used:
            self._first = first or reading
            self.window_s = min(refill_s, DAY_S) if reading.reset_s > MINUTE_S else MINUTE_S
        elif abs(refill_s - first.refill_s) <= 0.2 * first.refill_s:
            self.window_s, self._sure = refill_s, True
        else:
            self.window_s, self._sure = _fixed_window_s(reading, reading.reset_s), True


def _fixed_window_s(reading: Reading, reset_s: float) -> float:
    """The window over which the limit lasts until a fixed reset; a reset within a minute is a minute's."""
    if reset_s <= MINUTE_S:
        return MINUTE_S
    return min(reset_s * reading.limit / max(1.0, reading.remaining or 0.0), DAY_S)


class Limits:
    """The limits that hold now: the user's own are ceilings, an endpoint's headers may lower them."""

    def __init__(self, requests_per_minute: float | None, tokens_per_minute: float | None) -> None:
        self._ceilings: dict[Kind, float | None] = {"requests": requests_per_minute, "tokens": tokens_per_minute}
        self._gauges = {kind: Gauge() for kind in KINDS}
        self.per_minute: dict[Kind, float] = {kind: limit for kind, limit in self._ceilings.items() if limit}

    def learn(self, headers: Mapping[str, str]) -> bool:
        """Whether this reply's headers changed a limit."""
        before = dict(self.per_minute)
        for kind, reading in readings(headers).items():
            learned = self._gauges[kind].per_minute(reading)
            self.per_minute[kind] = min(learned, self._ceilings[kind] or learned)
        return self.per_minute != before

    def __str__(self) -> str:
        return ", ".join(f"{short(limit)} {kind}/min" for kind, limit in self.per_minute.items())


def short(number: float) -> str:
    """A count as a person says it: 0.14, 590, 240k, 1.2M."""
    if number < 10:
        return f"{number:.2g}"
    if number < 10_000:
        return f"{number:.0f}"
    return f"{number / 1e3:.0f}k" if number < 1e6 else f"{number / 1e6:.1f}M"
