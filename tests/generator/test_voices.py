"""What the journal has is not asked for again: spoken over HTTP, with a server that counts."""

from collections import deque
from typing import Any

import pytest
from faulty import Answer, FaultyServer, reply, status
from talk import talk

from dialogue.errors import ReplyFailed
from dialogue.records import Usage
from generator.client.chat import Completion
from generator.client.retry import ATTEMPTS, Nothing
from generator.voice import Reply, Voice, pending, recalled, written

PAID = Usage(requests=1, prompt_tokens=12, completion_tokens=5)


def said(content: str, finish_reason: str | None = "stop", refused: bool = False) -> Completion:
    return Completion(content, "hm", finish_reason, refused, "faulty-1", "fp", PAID)


def nothing(attempt: int, reason: Any = "bad_reply") -> Nothing:
    return Nothing(attempt, reason, "no content in '{}'", PAID)


class Kept:
    """What a voice has kept."""

    def __init__(self) -> None:
        self.replies: list[tuple[Reply, str | None]] = []

    def keep(self, reply: Reply, check: str | None) -> None:
        self.replies.append((reply, check))


async def asked(
    server: FaultyServer, *kept: Reply, refuse: str | None = None
) -> tuple[Completion, list[tuple[Reply, str | None]]]:
    """The answer of a voice that has these replies, and what it has kept, that one included where it is refused."""
    book = Kept()
    async with talk(server.base_url) as t:
        voice = Voice(t.chat, deque(recalled(written(one)) for one in kept), book.keep)
        found = await voice.complete([{"role": "user", "content": "hello"}], key="d1", priority=0, seed=7)
        if refuse:
            voice.refuse(found, refuse)
    return found, book.replies


@pytest.mark.parametrize("one", [said("a"), said("b", None), said("c", "length"), said("d", refused=True)])
async def test_a_reply_that_the_journal_has_comes_from_there_and_costs_nothing_more(one: Completion) -> None:
    async with FaultyServer() as server:
        found, kept = await asked(server, one, refuse="shape")
    assert server.requests == 0
    assert found == recalled(written(one))
    names = ("content", "thoughts", "finish_reason", "refused", "model")
    assert [getattr(found, name) for name in names] == [getattr(one, name) for name in names]
    assert found.usage == Usage()
    assert kept == [], "it is in the journal already"


async def test_a_reply_that_came_is_kept_with_the_check_that_it_failed() -> None:
    async with FaultyServer(lambda number, body: reply("well")) as server:
        found, kept = await asked(server, refuse="shape")
    assert kept == [(found, "shape")]
    assert found.usage.requests == 1


async def test_replies_that_hold_nothing_are_heard_of_and_the_attempts_go_on_after_them() -> None:
    async with FaultyServer(lambda number, body: reply("" if number < 2 else "ok")) as server:
        _, kept = await asked(server)
    heard = [one for one, _ in kept if isinstance(one, Nothing)]
    assert [(one.attempt, one.usage.requests, one.reason) for one in heard] == [
        (1, 1, "bad_reply"),
        (2, 1, "bad_reply"),
    ]
    seeds = [body["seed"] for body in server.bodies]
    for made in (1, 2):
        async with FaultyServer(lambda number, body, left=2 - made: reply("" if number < left else "ok")) as server:  # type: ignore[misc]
            found, _ = await asked(server, *heard[:made])
        assert found.content == "ok"
        assert [body["seed"] for body in server.bodies] == seeds[made:]


async def test_the_attempts_left_are_those_that_were_not_made() -> None:
    async with FaultyServer(lambda number, body: status(500)) as server:
        with pytest.raises(ReplyFailed, match=f"attempt {ATTEMPTS} of {ATTEMPTS}"):
            await asked(server, nothing(4))
    assert server.requests == ATTEMPTS - 4


@pytest.mark.parametrize("last", [nothing(ATTEMPTS), nothing(1, "content_filter"), nothing(2, "reasoning_only")])
async def test_the_last_of_them_is_the_failure_that_it_was(last: Nothing) -> None:
    async with FaultyServer() as server:
        with pytest.raises(ReplyFailed, match=f"^{last.reason}: no content"):
            await asked(server, last)
    assert server.requests == 0


async def test_a_paid_reply_that_ends_its_dialogue_is_heard_of() -> None:
    filtered: Answer = reply("x", finish_reason="content_filter")
    book = Kept()
    async with FaultyServer(lambda number, body: filtered) as server, talk(server.base_url) as t:
        with pytest.raises(ReplyFailed, match="content_filter"):
            await Voice(t.chat, deque(), book.keep).complete([], key="d1", priority=0, seed=7)
    ((one, check),) = book.replies
    assert isinstance(one, Nothing)
    assert (one.reason, one.usage.completion_tokens, one.last, check) == ("content_filter", 5, True, None)


def test_the_replies_to_the_present_turn_are_those_after_the_last_one_and_the_last_failure() -> None:
    events: list[dict[str, Any]] = [
        {"k": "reply", "reply": written(said("of a turn that is done"))},
        {"k": "turn"},
        {"k": "reply", "reply": written(said("of a turn that was given up"))},
        {"k": "spent"},
        {"k": "reply", "reply": written(nothing(1))},
        {"k": "reply", "reply": written(said("the last"))},
    ]
    first, second = pending(events)
    assert isinstance(first, Nothing)
    assert isinstance(second, Completion)
    assert second.content == "the last"
    assert not pending([])
