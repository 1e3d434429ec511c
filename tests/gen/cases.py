"""The faults that a run is tried against, one line each: what the server does, and what has to come of it.

`CASES` is read by the tests, which assert, and by bench/faults.py, which prints what was seen as a table. A fault
either strikes everything, or the second answer of the one dialogue whose opener speaks of `STRUCK`; what strikes the
server, the disk or the folder as a whole is in `disasters.py`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import disasters
from answers import (
    BROKEN,
    HTML,
    LIMITS,
    LONG,
    NO_CREDIT,
    NO_KEY,
    NO_MODEL,
    WIDE,
    after,
    choiceless,
    empty_for_one_seed,
    ended_by,
    everywhere,
    first,
    in_turn,
    one,
    only_reasoning,
    reasoner,
    reset,
    slow_down,
    struck,
    too_long,
    torn_json,
    until,
)
from faulty import HANG, Answer, status
from played import Outcome, played
from runs import STRUCK, Behaviour, Body, mentions, side, well

Play = Callable[["Case", Path], Awaitable[Outcome]]


@dataclass(frozen=True)
class Case:
    """One fault, and what has to come of it."""

    fault: str
    behave: Callable[[], Behaviour] = lambda: lambda number, body: well(body)
    n: int = 4
    flags: tuple[str, ...] = ()
    endpoint: str = ""
    """Further lines of [endpoint.main]."""
    roles: str = ""
    status: int = 0
    says: tuple[str, ...] = ()
    """What stderr must hold."""
    shows: tuple[str, ...] = ()
    """What stdout must hold."""
    failed: Mapping[str, int] = field(default_factory=dict)
    """Failures by reason after the first call; `--retry-failed` mends them."""
    partial: int = 3
    """Messages that a failure keeps."""
    done: int | None = None
    """Dialogues after the first call; None: all that did not fail."""
    requests: int | None = None
    """What the first call may ask at most."""
    note: str = ""
    """What `check` asserts, for the table."""
    check: Callable[[Outcome], None] = lambda outcome: None
    play: Play = played
    slow: bool = False

    @property
    def name(self) -> str:
        """For the name of a test."""
        return self.fault.replace(" ", "_").replace(",", "")


def cost_no_attempt(outcome: Outcome) -> None:
    role = outcome.disk.role("assistant")
    assert role["rejections"] == outcome.statuses[429] > 0
    assert role["retries"] == 0, "a 429 is nobody's failure"


def asked_once(outcome: Outcome) -> None:
    assert sum(map(struck, outcome.asked)) == 1, "the same 400 again"


def reason_paid(outcome: Outcome) -> None:
    role = outcome.disk.role("assistant")
    assert role["reasoning_tokens"] == 400 * outcome.disk.reasons["reasoning_only"], "what was paid is counted"


def text_of(outcome: Outcome) -> str:
    found = [dialogue for dialogue in outcome.disk.dialogues if STRUCK in dialogue["messages"][0]["content"]]
    return str(found[0]["messages"][3]["content"])


def mended(outcome: Outcome) -> None:
    text = text_of(outcome)
    assert text.endswith(" A half \ufffd and a  nought."), "one sign for the half, nothing for NUL"


def whole(tail: str, characters: int = 0) -> Callable[[Outcome], None]:
    """The text is on disk as it was sent."""

    def check(outcome: Outcome) -> None:
        text = text_of(outcome)
        assert text.endswith(tail)
        assert len(text) > characters

    return check


def cut_short(outcome: Outcome) -> None:
    stops = [dialogue["stop"] for dialogue in outcome.disk.dialogues]
    assert sorted(set(stops)) == ["max_tokens", "max_turns"]
    assert stops.count("max_tokens") == 1


def dropped_once(outcome: Outcome) -> None:
    assert outcome.first.err.count("max_tokens is sent as max_completion_tokens") == 1
    assert outcome.first.err.count("temperature is left out") == 1
    assert outcome.statuses[400] <= 8, "found out once, not by every dialogue"
    assert all("max_completion_tokens" in body for body in outcome.asked[-4:] if side(body) == "assistant")


def paid_for_all(outcome: Outcome) -> None:
    assert outcome.disk.turns == 100, "every answer that was paid for is in the journal"


def is_user(body: Body) -> bool:
    return side(body) == "user" and mentions(body, STRUCK)


CASES = (
    Case(
        "429 storm, Retry-After in seconds",
        first(3, slow_down(Retry_After="1")),
        n=2,
        says=("429",),
        note="no 429 counted as an attempt",
        check=cost_no_attempt,
    ),
    Case(
        "429 storm, Retry-After as a date",
        first(3, until(2)),
        n=2,
        says=("429",),
        note="no 429 counted as an attempt",
        check=cost_no_attempt,
    ),
    Case(
        "429 storm, retry-after-ms",
        first(3, slow_down(retry_after_ms="300")),
        n=2,
        says=("429",),
        note="no 429 counted as an attempt",
        check=cost_no_attempt,
    ),
    Case(
        "429 storm, no Retry-After",
        first(3, slow_down()),
        n=2,
        says=("429",),
        note="no 429 counted as an attempt",
        check=cost_no_attempt,
    ),
    Case(
        "five bad answers of five kinds, then a good one",
        in_turn(lambda b: status(500), lambda b: HANG, reset, torn_json, lambda b: status(502, raw=HTML)),
        endpoint="timeout_s = 0.5",
    ),
    Case("500, one dialogue", one(lambda b: status(500)), status=1, shows=("1 endpoint",), failed={"endpoint": 1}),
    Case(
        "500, everything",
        everywhere(lambda b: status(500, "the engine is on fire")),
        n=12,
        flags=("--concurrency", "4"),
        status=3,
        says=("failures in a row", "the engine is on fire"),
        done=0,
        requests=60,
    ),
    Case(
        "hang",
        one(lambda b: HANG),
        endpoint="timeout_s = 0.4",
        status=1,
        shows=("1 timeout",),
        failed={"timeout": 1},
    ),
    Case("reset in mid-body", one(reset), status=1, shows=("1 endpoint",), failed={"endpoint": 1}),
    Case("truncated JSON", one(torn_json), status=1, shows=("1 bad_reply",), failed={"bad_reply": 1}),
    Case("502 with an HTML page", one(lambda b: status(502, raw=HTML)), status=1, failed={"endpoint": 1}),
    Case("empty choices", one(choiceless), status=1, failed={"bad_reply": 1}),
    Case("null content", one(lambda b: Answer(well(b, content=None).body)), status=1, failed={"bad_reply": 1}),
    Case("an empty answer for one seed", empty_for_one_seed),
    Case("finish_reason content_filter", one(ended_by("content_filter")), status=1, failed={"content_filter": 1}),
    Case(
        "finish_reason length, assistant",
        one(ended_by("length")),
        note="the cut answer ends its dialogue: stop max_tokens",
        check=cut_short,
    ),
    Case("finish_reason length, user", one(ended_by("length"), is_user), status=1, failed={"bad_reply": 1}, partial=2),
    Case("lone surrogates and NUL", one(BROKEN), note="U+FFFD for the half sign, NUL left out", check=mended),
    Case(
        "U+2028 and U+2029",
        one(WIDE),
        note="the text as it was sent, one line of the file",
        check=whole(" One line\u2028another\u2029a third."),
    ),
    Case("an answer of 2 MB", one(LONG), note="the text as it was sent", check=whole(" word word", 2_000_000)),
    Case(
        "401 at start",
        everywhere(lambda b: NO_KEY),
        status=3,
        says=("401", "Incorrect API key", "REHEARSAL_KEY"),
        done=0,
        requests=4,
    ),
    Case(
        "401 after 100 requests",
        after(100, lambda b: NO_KEY),
        n=40,
        status=3,
        says=("401", "REHEARSAL_KEY"),
        done=-1,
        note="all 100 answers are kept",
        check=paid_for_all,
    ),
    Case(
        "unknown model",
        everywhere(lambda b: NO_MODEL),
        status=3,
        says=("404", "stub-1", "is the model's name right"),
        done=0,
        requests=4,
    ),
    Case(
        "insufficient_quota",
        everywhere(lambda b: NO_CREDIT),
        status=3,
        says=("exceeded your current quota", "no credit left"),
        done=0,
        requests=4,
    ),
    Case(
        "context too long, one dialogue in twenty",
        one(too_long),
        n=20,
        status=1,
        failed={"bad_request": 1},
        check=asked_once,
    ),
    Case(
        "max_tokens and temperature rejected",
        everywhere(reasoner),
        roles=LIMITS,
        says=("max_tokens is sent as max_completion_tokens", "temperature is left out"),
        note="found out once, for all dialogues",
        check=dropped_once,
    ),
    Case(
        "the whole budget spent on hidden reasoning",
        one(only_reasoning),
        status=1,
        says=("400 tokens of reasoning and no answer", "raise max_tokens"),
        failed={"reasoning_only": 1},
        note="the reasoning tokens are counted",
        check=reason_paid,
    ),
    Case(
        "server gone for 3 s and back",
        n=6,
        says=("cannot be reached", "is back"),
        play=disasters.gone_and_back,
    ),
    Case("no server at all", status=3, says=("no connection for 8 s",), done=0, play=disasters.nobody, slow=True),
    Case("one of two servers dead from the start", n=16, says=("is passed over",), play=disasters.one_dead),
    Case("one of two servers dies on the way", n=16, says=("is passed over",), play=disasters.one_dies),
    Case(
        "disk full, then freed",
        n=40,
        flags=("--concurrency", "4"),
        status=3,
        says=("disk full", "free space and run the same command again"),
        done=-1,
        play=disasters.disk_full,
        slow=True,
    ),
    Case("disk full before the start", status=3, says=("disk full",), done=0, requests=0, play=disasters.no_room),
    Case(
        "two runs on one folder",
        endpoint="timeout_s = 2",
        status=2,
        says=("another command (pid ",),
        done=-1,
        play=disasters.two_runs,
    ),
    Case("read-only folder", status=2, says=("cannot be written to",), done=0, requests=0, play=disasters.read_only),
)
