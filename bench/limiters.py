"""The two ways in which providers count a rate limit, for bench/endpoint.py."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

WINDOW_S = 60.0


@dataclass
class Settings:
    """What the command line and /config set."""

    port: int = 8901
    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    limit: str = "none"
    rpm: int = 0
    tpm: int = 0
    burst: float = 0.0
    tokens: int = 80
    fail_rate: float = 0.0
    by_hash: bool = False
    tls: str = ""


class Verdict(NamedTuple):
    """Whether a request is admitted, when to come again if not, and what is left."""

    admitted: bool
    wait_s: float
    requests_left: int
    tokens_left: int


class Limiter(Protocol):
    """Says of each request, once, whether it is admitted."""

    def admit(self, tokens: int, now: float) -> Verdict: ...


class NoLimit:
    """Admits everything."""

    def __init__(self, settings: Settings) -> None:
        """It needs none of the settings."""

    def admit(self, tokens: int, now: float) -> Verdict:
        return Verdict(True, 0.0, 9999, 999_999)


class SlidingWindow:
    """At most rpm requests and tpm tokens in any 60 s."""

    def __init__(self, settings: Settings) -> None:
        self.rpm, self.tpm = settings.rpm, settings.tpm
        self.log: deque[tuple[float, int]] = deque()
        self.tokens = 0

    def admit(self, tokens: int, now: float) -> Verdict:
        while self.log and now - self.log[0][0] >= WINDOW_S:
            self.tokens -= self.log.popleft()[1]
        wait_s = max(self._requests_wait_s(now), self._tokens_wait_s(tokens, now))
        if wait_s <= 0:
            self.log.append((now, tokens))
            self.tokens += tokens
        return Verdict(wait_s <= 0, wait_s, max(0, self.rpm - len(self.log)), max(0, self.tpm - self.tokens))

    def _requests_wait_s(self, now: float) -> float:
        if not self.rpm or len(self.log) < self.rpm:
            return 0.0
        return WINDOW_S - (now - self.log[len(self.log) - self.rpm][0])

    def _tokens_wait_s(self, tokens: int, now: float) -> float:
        over = self.tokens + tokens - self.tpm if self.tpm else 0
        wait_s = 0.0
        for sent_at, sent in self.log:
            if over <= 0:
                break
            over, wait_s = over - sent, WINDOW_S - (now - sent_at)
        return wait_s


class TokenBucket:
    """Refilled continuously: requests up to the burst (or a second's share), tokens up to ten seconds' share."""

    def __init__(self, settings: Settings) -> None:
        self.rpm, self.tpm = settings.rpm, settings.tpm
        self.most_requests = settings.burst or max(1.0, settings.rpm / 60.0)
        self.most_tokens = settings.tpm / 6.0
        self.requests, self.tokens = self.most_requests, self.most_tokens
        self.filled_at = time.monotonic()

    def admit(self, tokens: int, now: float) -> Verdict:
        passed_s, self.filled_at = now - self.filled_at, now
        self.requests = min(self.most_requests, self.requests + passed_s * self.rpm / 60.0)
        self.tokens = min(self.most_tokens, self.tokens + passed_s * self.tpm / 60.0)
        wait_s = max(_wait_s(1.0, self.requests, self.rpm), _wait_s(tokens, self.tokens, self.tpm))
        if wait_s <= 0:
            self.requests -= bool(self.rpm)
            self.tokens -= tokens if self.tpm else 0
        return Verdict(wait_s <= 0, wait_s, int(self.requests), int(self.tokens))


def _wait_s(wanted: float, there: float, per_minute: int) -> float:
    return max(0.0, (wanted - there) * 60.0 / per_minute) if per_minute else 0.0


LIMITERS: dict[str, Callable[[Settings], Limiter]] = {
    "none": NoLimit,
    "bucket": TokenBucket,
    "sliding": SlidingWindow,
}
