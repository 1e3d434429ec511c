"""Asking again: what may be tried once more, how often, and how long to wait between."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from dialogue.errors import Reason, ReplyFailed

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


async def again(attempt: Callable[[int, Again], Awaitable[T]], first: Again, wait_s: float) -> T:
    """What a later attempt brings, `first` having been the failure of the first; ReplyFailed after the sixth.

    `attempt` is told its number, from 2 on, and the failure before it.

    The first attempt is made by the caller, without tenacity: nearly all succeed, and it costs as much CPU as a parse.
    """
    from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

    number, last = 0, first

    async def next_attempt() -> T:
        nonlocal number, last
        number += 1
        if number == 1:
            raise first
        try:
            return await attempt(number, last)
        except Again as error:
            last = error
            raise

    retrying = AsyncRetrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=wait_s, max=LONGEST_WAITS * wait_s),
        retry=retry_if_exception_type(Again),
        reraise=True,
    )
    try:
        return await retrying(next_attempt)
    except Again as error:
        raise ReplyFailed(error.reason, f"{error.detail} (attempt {ATTEMPTS} of {ATTEMPTS})") from None
