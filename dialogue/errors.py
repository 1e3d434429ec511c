"""The error model.

    DuologueError                 a person reads it: one line, no traceback; `status` is the command's exit status
    ├── UsageError        (2)     wrong flag, setting or input: names the value, the place and the mend
    ├── RunStopped        (3)     the endpoint, the disk or a limit of the user's ended the run; it can be resumed
    └── ReplyFailed               one reply that stayed bad after its retries; ends its dialogue, never the run

A bad answer is data: `ReplyFailed.reason` becomes the reason of a line in failures.jsonl. A bad setting is an
error before the first request.
"""

from typing import Literal, get_args

Reason = Literal[
    "endpoint",
    "timeout",
    "bad_reply",
    "bad_request",
    "content_filter",
    "role_exchange",
    "politeness",
    "markers",
    "repeat",
    "refusal",
    "opener",
    "reasoning_only",
    "wrong_answer",
]
"""The one word that says why a dialogue failed."""

REASONS: tuple[Reason, ...] = get_args(Reason)


class DuologueError(Exception):
    """A failure meant for a person: its text is the whole message."""

    status = 1


class UsageError(DuologueError):
    """A wrong flag, setting or input file."""

    status = 2


class RunStopped(DuologueError):
    """The endpoint, the disk or the user's own limit ended the run; the same command resumes it."""

    status = 3


class ReplyFailed(DuologueError):
    """A reply that stayed unusable after its retries."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.detail = detail
