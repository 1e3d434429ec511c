"""Asking again: what may be tried once more, how often, and how long to wait between."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from dialogue.errors import Reason, ReplyFailed
from dialogue.records import Usage

ATTEMPTS = 6
LONGEST_WAITS = 60
"""The longest wait between two attempts, in units of the first."""

T = TypeVar("T")


class Again(Exception):
    """A failure that the next attempt may not meet: timeout, broken connection, 5xx, a body that is no completion."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Nothing:
    """A reply that was paid for and holds nothing that could be used."""

    attempt: int
    """Which one brought it, from 1."""
    reason: Reason
    detail: str
    usage: Usage

    @property
    def last(self) -> bool:
        """Whether no further attempt follows it."""
        return self.reason != "bad_reply" or self.attempt >= ATTEMPTS

    def failure(self) -> ReplyFailed:
        """What the last one comes to."""
        return _given_up(self) if self.reason == "bad_reply" else ReplyFailed(self.reason, self.detail)


def unheard(nothing: Nothing) -> None:
    """For those who do not keep such replies."""


async def again(attempt: Callable[[int, Again], Awaitable[T]], failure: Again, wait_s: float, made: int) -> T:
    """What a later attempt brings, `failure` having been that of number `made`; ReplyFailed after the sixth.

    `attempt` is told its number, from `made` + 1 on, and the failure before it.

    The first attempt is made by the caller, without tenacity: nearly all succeed, and it costs as much CPU as a parse.
    """
    from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

    number, last = made - 1, failure

    async def next_attempt() -> T:
        nonlocal number, last
        number += 1
        if number == made:
            raise failure
        try:
            return await attempt(number, last)
        except Again as error:
            last = error
            raise

    retrying = AsyncRetrying(
        stop=stop_after_attempt(ATTEMPTS - made + 1),
        wait=wait_random_exponential(multiplier=wait_s, max=LONGEST_WAITS * wait_s),
        retry=retry_if_exception_type(Again),
        reraise=True,
    )
    try:
        return await retrying(next_attempt)
    except Again as error:
        raise _given_up(error) from None


def _given_up(last: Again | Nothing) -> ReplyFailed:
    return ReplyFailed(last.reason, f"{last.detail} (attempt {ATTEMPTS} of {ATTEMPTS})")
