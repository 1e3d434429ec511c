"""What a transport brings back, or raises instead.

Reply           whatever was answered, of any status
Unreachable     nothing was sent: connection refused, no such host, no route, a certificate that does not hold
Broken          the connection went away before the reply was whole, or what came is not HTTP
TimeoutError    no whole reply in time
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP reply, read whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Unreachable(Exception):
    """No connection could be made."""


class Broken(Exception):
    """The connection broke before the reply was whole."""
