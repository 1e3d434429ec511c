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


async def again(attempt: Callable[[], Awaitable[T]], first: Again, wait_s: float) -> T:
    """What a later attempt brings, `first` having been the failure of the first; ReplyFailed after the sixth.

    The first attempt is made by the caller, without tenacity: nearly all succeed, and it costs as much CPU as a parse.
    """
    from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

    met = [first]

    async def next_attempt() -> T:
        if met:
            raise met.pop()
        return await attempt()

    retrying = AsyncRetrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=wait_s, max=LONGEST_WAITS * wait_s),
        retry=retry_if_exception_type(Again),
        reraise=True,
    )
    try:
        return await retrying(next_attempt)
    except Again as last:
        raise ReplyFailed(last.reason, f"{last.detail} (attempt {ATTEMPTS} of {ATTEMPTS})") from None
