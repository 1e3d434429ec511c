"""What a reply of another status than 200 means: who is to blame, and whether asking again can help.

429, out of credit                       the run stops
429                                      the shared clock moves; asked again, no attempt lost
401 402 403 404 405 410, redirects       the run stops: this will not heal by itself
408 409 425 5xx                          the next attempt may succeed
400 413 422 and other 4xx                this request is at fault: a parameter that can be left out, or the dialogue
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from generator.client.transport import Reply
from generator.pace.limits import retry_after_s, seconds

Verdict = Literal["wait", "stop", "again", "filtered", "request"]

HOPELESS = {401, 402, 403, 404, 405, 410}
TRANSIENT = {408, 409, 425}
OVERLOADED = {503, 529}
OUT_OF_CREDIT = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_balance"}
"""Codes only: the words "quota" and "billing" stand in some providers' ordinary 429s too."""

_TRY_AGAIN = re.compile(r"(?:try again|retry) in ([\d.]+\s*(?:ms|s|m|h)(?:[\d.]+m?s)?)")
_UNSUPPORTED = re.compile(
    r"unsupported|not support|n't support|unrecogni[sz]ed|unknown|unexpected|unavailable|not permitted|not allowed"
    r"|not accepted|forbidden|deprecated|cannot find field|not a valid parameter|invalid parameter",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context.?(?:length|window)|too (?:long|large)|reduce the length|maximum .{0,30}tokens", re.IGNORECASE
)
_UNSUPPORTED_CODES = {"unsupported_parameter", "unsupported_value", "unknown_parameter", "extra_forbidden"}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error body says, in whichever of the usual shapes."""

    message: str
    codes: frozenset[str] = frozenset()
    """Its `code` and `type`."""
    parameter: str | None = None
    """The field of the request that is named as its cause, without what follows a dot."""
    unknown_fields: tuple[str, ...] = ()
    """Fields that a validator names as not permitted (FastAPI, vLLM, Mistral)."""


def complaint(body: bytes, quote: Callable[[bytes], str]) -> Complaint:
    """The error in a body; where it is not JSON, its first bytes are the message."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Complaint(quote(body))
    if isinstance(value, list) and value:
        value = value[0]
    error = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(error, dict):
        return Complaint(str(error) if isinstance(error, str) else quote(body))
    details = _details(error.get("detail")) or _details(_within(error.get("message"), "detail"))
    message = error.get("message") or error.get("detail")
    parameter = error.get("param")
    return Complaint(
        message=message if isinstance(message, str) else quote(body),
        codes=frozenset(str(error[name]).lower() for name in ("code", "type") if error.get(name)),
        parameter=re.split(r"[.\[]", parameter)[0] if isinstance(parameter, str) else None,
        unknown_fields=tuple(_field(part) for part in details if _not_permitted(part)),
    )


def _within(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _details(value: Any) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _not_permitted(detail: dict[str, Any]) -> bool:
    return bool(_UNSUPPORTED.search(f"{detail.get('type')} {detail.get('msg')}"))


def _field(detail: dict[str, Any]) -> str:
    place = [part for part in detail.get("loc") or [] if isinstance(part, str) and part != "body"]
    return place[0] if place else ""


def verdict(status: int, complaint: Complaint) -> Verdict:
    """What to do about a refusal; the docstring of this file is its table."""
    if status == 429:
        return "stop" if complaint.codes & OUT_OF_CREDIT else "wait"
    if status in HOPELESS or 300 <= status < 400:
        return "stop"
    if status in TRANSIENT or status >= 500 or status < 300:
        return "again"
    return "filtered" if "content_filter" in complaint.codes else "request"


def mend(reply: Reply, variable: str | None) -> str:
    """What a person can do about a refusal that stops the run; `variable` is the one that holds the key."""
    if 300 <= reply.status < 400:
        return f"put {reply.headers.get('location') or 'its new address'} into base_url"
    hints = {
        401: f"is the key in {variable} right?" if variable else "no api_key_env is set for it",
        402: f"the account behind {variable or 'it'} has no credit left",
        403: f"may the key in {variable} use this model?" if variable else "no api_key_env is set for it",
        404: "is the model's name right, and does base_url end where /chat/completions begins?",
        429: f"the account behind {variable or 'it'} has no credit left",
    }
    return hints.get(reply.status, "is base_url right?")


def unsupported(complaint: Complaint, sent: Collection[str]) -> str | None:
    """Which optional parameter of those sent the endpoint does not take; None where it complains of something else.

    "maximum context length is 4096 tokens, however you requested max_tokens ..." names a parameter and is no such
    complaint: leaving it out would not make the dialogue shorter.
    """
    for field in complaint.unknown_fields:
        if field in sent:
            return field
    if _TOO_LONG.search(complaint.message) or "context_length_exceeded" in complaint.codes:
        return None
    said = complaint.codes & _UNSUPPORTED_CODES or _UNSUPPORTED.search(complaint.message)
    if complaint.parameter in sent and (said or complaint.parameter == "response_format"):
        return complaint.parameter
    if complaint.parameter is not None and complaint.parameter not in sent and complaint.parameter != "None":
        return None
    if not said:
        return None
    named = {name: re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", complaint.message) for name in sent}
    places = {name: match.start() for name, match in named.items() if match}
    return min(places, key=lambda name: places[name], default=None)


def wait_asked_s(reply: Reply, message: str) -> float | None:
    """How long a refusal asks to wait: by its headers, else by OpenAI's "Please try again in 1.2s"; None: unsaid."""
    wait_s = retry_after_s(reply.headers)
    found = _TRY_AGAIN.search(message) if wait_s is None else None
    return seconds(found[1].replace(" ", "")) if found else wait_s
