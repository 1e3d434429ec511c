"""Every fault that an endpoint can show, against a real server on this machine."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from faulty import HANG, USAGE, Answer, FaultyServer, cut, reply, status
from talk import QUICK, talk

from dialogue.errors import ReplyFailed, RunStopped, UsageError
from generator.client.chat import Patience, Sampling
from generator.client.endpoint import Price


def once(fault: Answer) -> Any:
    """The fault first, then good answers."""
    return lambda number, body: fault if number == 0 else reply()


def times(n: int, fault: Answer) -> Any:
    """The fault n times, then good answers."""
    return lambda number, body: fault if number < n else reply()


async def failure(behaviour: Any, **fields: Any) -> tuple[ReplyFailed, int]:
    """How one question fails, and how often it was put."""
    async with FaultyServer(behaviour) as server, talk(server.base_url, **fields) as t:
        with pytest.raises(ReplyFailed) as caught:
            await t.ask()
        return caught.value, server.requests


async def stop(behaviour: Any, **fields: Any) -> tuple[str, int]:
    """The line with which one question stops the run, and how often it was put."""
    async with FaultyServer(behaviour) as server, talk(server.base_url, **fields) as t:
        with pytest.raises(RunStopped) as caught:
            await t.ask()
        return str(caught.value), server.requests


async def test_a_request_carries_model_messages_sampling_and_seed_and_no_key() -> None:
    async with FaultyServer() as server, talk(server.base_url, sampling=Sampling(temperature=0.5, max_tokens=9)) as t:
        completion = await t.ask("hi")
    assert completion.content == "ok"
    assert (completion.model, completion.fingerprint, completion.format) == ("faulty-1", "fp_1", "text")
    assert server.bodies[0] == {
        "model": "faulty",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0.5,
        "max_tokens": 9,
        "seed": 7,
    }
    assert "authorization" not in server.headers[0]


async def test_extra_body_wins_and_extra_headers_are_sent() -> None:
    fields = {"extra_body": {"seed": 3, "reasoning": {"effort": "low"}}, "extra_headers": {"X-Team": "blue"}}
    async with FaultyServer() as server, talk(server.base_url, **fields) as t:
        await t.ask()
    assert server.bodies[0]["seed"] == 3
    assert server.bodies[0]["reasoning"] == {"effort": "low"}
    assert server.headers[0]["x-team"] == "blue"


@pytest.mark.parametrize(
    "fault",
    [
        status(500),
        status(502, raw=b"<html><h1>502 Bad Gateway</h1></html>", headers={"Content-Type": "text/html"}),
        status(503, headers={"Retry-After": "1"}),
        status(408),
        status(409),
        status(425),
        cut(reply("a long answer " * 100), 300),
        cut(reply(), 0),
        Answer(reply().body[:40]),
        Answer(b""),
        Answer(b"[1, 2]"),
        Answer(b"<html>not an API</html>"),
        Answer(b'{"choices": []}'),
        Answer(b'{"error": {"message": "overloaded"}}'),
        reply(None),
        reply(""),
    ],
    ids=lambda fault: f"{fault.status}-{fault.body[:16]!r}",
)
async def test_a_passing_fault_costs_one_retry(fault: Answer) -> None:
    async with FaultyServer(once(fault)) as server, talk(server.base_url) as t:
        assert (await t.ask()).content == "ok"
    assert (server.requests, t.totals.retries, t.totals.requests) == (2, 1, 2)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (status(500, "kaputt"), "endpoint"),
        (status(502, raw=b"<html>Bad Gateway</html>"), "endpoint"),
        (cut(reply("x" * 999), 300), "endpoint"),
        (Answer(b"<html>sign in</html>"), "bad_reply"),
        (Answer(reply().body[:40]), "bad_reply"),
        (reply(None), "bad_reply"),
    ],
)
async def test_a_fault_that_stays_ends_the_dialogue_after_six_attempts(fault: Answer, reason: str) -> None:
    error, requests = await failure(lambda number, body: fault)
    assert (error.reason, requests) == (reason, 6)


async def test_what_a_server_says_instead_of_json_is_quoted() -> None:
    error, _ = await failure(lambda number, body: Answer(b"<html>sign\nin</html>" + b"x" * 5000))
    assert "<html>sign in</html>" in error.detail
    assert len(error.detail) < 320


async def test_a_server_that_hangs_is_a_timeout() -> None:
    error, requests = await failure(lambda number, body: HANG, timeout_s=0.05)
    assert (error.reason, requests) == ("timeout", 6)
    assert "0.05 s" in error.detail


@pytest.mark.parametrize(
    ("headers", "message", "least_s", "most_s"),
    [
        ({"Retry-After": "2"}, "", 2.0, 2.0),
        ({"Retry-After": format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)}, "", 1.0, 3600.0),
        ({"retry-after-ms": "1500"}, "", 1.5, 1.5),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1.5s"}, "", 1.5, 1.5),
        ({}, "Rate limit reached. Please try again in 1.2s.", 1.2, 1.2),
        ({}, "Please try again in 250ms.", 0.25, 0.25),
        ({}, "slow down", None, None),
    ],
    ids=["seconds", "date", "milliseconds", "reset", "text", "text-ms", "none"],
)
async def test_a_storm_of_429s_costs_no_attempt_and_moves_the_clock_as_asked(
    headers: dict[str, str], message: str, least_s: float | None, most_s: float | None
) -> None:
    async with FaultyServer(times(4, status(429, message, headers=headers))) as server, talk(server.base_url) as t:
        assert (await t.ask()).content == "ok"
    assert (server.requests, t.totals.retries, t.totals.rejections, t.paces.rejections) == (5, 0, 4, 4)
    asked_s = t.paces_made[0].asked_s
    if least_s is None or most_s is None:
        assert asked_s == [None] * 4
    else:
        assert all(one is not None and least_s <= one <= most_s for one in asked_s)


async def test_a_storm_of_429s_over_many_dialogues_loses_none() -> None:
    behave = lambda number, body: status(429, headers={"Retry-After": "0.5"}) if number % 3 == 0 else reply()  # noqa: E731
    async with FaultyServer(behave) as server, talk(server.base_url) as t:
        said = await asyncio.gather(*(t.ask(key=f"d{i}") for i in range(40)))
    assert [completion.content for completion in said] == ["ok"] * 40
    assert t.totals.retries == 0


async def test_nothing_but_429s_stops_the_run_in_the_end() -> None:
    patience = Patience(rejected_s=0.02)
    line, requests = await stop(lambda number, body: status(429, "slow down"), patience=patience)
    assert "nothing but 429s" in line
    assert "slow down" in line
    assert requests >= 2


async def test_a_429_without_credit_stops_the_run_at_once() -> None:
    fault = status(429, "You exceeded your current quota", code="insufficient_quota", type="insufficient_quota")
    line, requests = await stop(lambda number, body: fault)
    assert requests == 1
    assert "no credit" in line


@pytest.mark.parametrize("code", [401, 402, 403, 404, 405])
async def test_a_refusal_that_will_not_heal_stops_the_run_at_once(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "not-a-real-key-123")
    line, requests = await stop(lambda number, body: status(code, "no way"), api_key_env="MY_KEY")
    assert requests == 1
    assert "\n" not in line
    for part in ("endpoint main", "http://127.0.0.1", str(code), "no way", "model faulty"):
        assert part in line
    if code < 404:
        assert "MY_KEY" in line


async def test_a_401_after_good_answers_stops_the_run_too() -> None:
    behave = lambda number, body: reply() if number < 3 else status(401, "revoked")  # noqa: E731
    async with FaultyServer(behave) as server, talk(server.base_url) as t:
        for _ in range(3):
            await t.ask()
        with pytest.raises(RunStopped, match="401: revoked"):
            await t.ask()
    assert server.requests == 4


async def test_a_redirect_is_not_followed_but_named() -> None:
    line, requests = await stop(lambda number, body: status(308, headers={"Location": "https://elsewhere.example/v1"}))
    assert requests == 1
    assert "put https://elsewhere.example/v1 into base_url" in line


async def test_a_bad_request_ends_its_dialogue_at_the_first_attempt() -> None:
    fault = status(400, "maximum context length is 4096 tokens, reduce max_tokens", code="context_length_exceeded")
    error, requests = await failure(lambda number, body: fault, sampling=Sampling(max_tokens=50))
    assert (error.reason, requests) == ("bad_request", 1)
    assert "maximum context length" in error.detail


async def test_one_bad_request_in_twenty_stops_nothing() -> None:
    def behave(number: int, body: dict[str, Any]) -> Answer:
        return status(400, "context too long") if body["messages"][0]["content"] == "long" else reply()

    async with FaultyServer(behave) as server, talk(server.base_url, slots=5) as t:
        asked = [t.ask("long" if i % 20 == 0 else "short", key=f"d{i}") for i in range(100)]
        came = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, ReplyFailed) for one in came) == 5
    assert sum(not isinstance(one, BaseException) for one in came) == 95


@pytest.mark.parametrize("fault", [status(400, "nonsense"), status(500), reply(None)], ids=["400", "500", "null"])
async def test_as_many_failures_in_a_row_as_slots_stop_the_run(fault: Answer) -> None:
    async with FaultyServer(lambda number, body: fault) as server, talk(server.base_url, slots=6) as t:
        for _ in range(5):
            with pytest.raises(ReplyFailed):
                await t.ask()
        with pytest.raises(RunStopped, match="6 failures in a row"):
            await t.ask()


async def test_one_bad_dialogue_does_not_stop_a_run_of_one_slot() -> None:
    async with FaultyServer(once(status(400, "too long"))) as server, talk(server.base_url, slots=1) as t:
        with pytest.raises(ReplyFailed):
            await t.ask()
        assert (await t.ask()).content == "ok"


async def test_rejected_parameters_are_dropped_once_and_said_once() -> None:
    def behave(number: int, body: dict[str, Any]) -> Answer:
        if "max_tokens" in body:
            message = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
            return status(400, message, param="max_tokens", code="unsupported_parameter")
        if "temperature" in body:
            message = "Unsupported value: 'temperature' does not support 0.7 with this model."
            return status(400, message, param="temperature", code="unsupported_value")
        return reply()

    sampling = Sampling(temperature=0.7, max_tokens=50)
    async with FaultyServer(behave) as server, talk(server.base_url, sampling=sampling) as t:
        await asyncio.gather(*(t.ask(key=f"d{i}") for i in range(8)))
        before = server.requests
        await t.ask()
    assert server.requests == before + 1
    assert "temperature" not in server.bodies[-1]
    assert server.bodies[-1]["max_completion_tokens"] == 50
    assert t.totals.retries == 0
    assert [line.split(": ")[1].split(" from ")[0] for line in t.said] == [
        "max_tokens is sent as max_completion_tokens",
        "temperature is left out",
    ]


async def test_an_endpoint_that_takes_neither_name_of_the_length_limit_gets_none() -> None:
    def behave(number: int, body: dict[str, Any]) -> Answer:
        for name in ("max_tokens", "max_completion_tokens"):
            if name in body:
                detail = b'{"detail": [{"loc": ["body", "%s"], "msg": "extra fields not permitted"}]}' % name.encode()
                return status(422, raw=detail)
        return reply()

    async with FaultyServer(behave) as server, talk(server.base_url, sampling=Sampling(max_tokens=50)) as t:
        await t.ask()
    assert server.bodies[-1].keys() == {"messages", "model", "seed"}


async def test_a_parameter_of_the_users_own_is_not_dropped() -> None:
    fault = status(400, "Unknown parameter: 'top_k'", param="top_k", code="unknown_parameter")
    error, requests = await failure(lambda number, body: fault, extra_body={"top_k": 5})
    assert (error.reason, requests) == ("bad_request", 1)


async def test_a_schema_binds_the_answer_where_the_endpoint_takes_one() -> None:
    schema = {"type": "object", "properties": {"items": {"type": "array"}}}
    async with FaultyServer() as server, talk(server.base_url) as t:
        completion = await t.ask(schema=schema)
    assert completion.format == "schema"
    assert server.bodies[0]["response_format"]["json_schema"]["schema"] == schema


async def test_an_endpoint_without_schemas_is_asked_without_one_from_then_on() -> None:
    def behave(number: int, body: dict[str, Any]) -> Answer:
        return status(400, "This response_format type is unavailable now") if "response_format" in body else reply()

    async with FaultyServer(behave) as server, talk(server.base_url) as t:
        said = [await t.ask(schema={"type": "object"}) for _ in range(2)]
    assert [completion.format for completion in said] == ["text", "text"]
    assert (server.requests, len(t.said)) == (3, 1)


async def test_a_budget_spent_on_hidden_reasoning_has_its_own_reason() -> None:
    usage = {**USAGE, "completion_tokens": 64, "completion_tokens_details": {"reasoning_tokens": 64}}
    async with (
        FaultyServer(lambda n, b: reply("", finish_reason="length", usage=usage)) as server,
        talk(server.base_url) as t,
    ):
        for _ in range(2):
            with pytest.raises(ReplyFailed) as caught:
                await t.ask()
    assert caught.value.reason == "reasoning_only"
    assert "64 tokens of reasoning" in caught.value.detail
    assert (t.totals.completion_tokens, t.totals.reasoning_tokens) == (128, 128)
    assert len(t.said) == 1


@pytest.mark.parametrize(
    "fault", [reply("part", finish_reason="content_filter"), status(400, "filtered", code="content_filter")]
)
async def test_a_filtered_answer_ends_its_dialogue(fault: Answer) -> None:
    error, requests = await failure(lambda number, body: fault)
    assert (error.reason, requests) == ("content_filter", 1)


async def test_an_answer_cut_by_its_length_comes_with_that_reason() -> None:
    async with FaultyServer(lambda n, b: reply("half a", finish_reason="length")) as server, talk(server.base_url) as t:
        completion = await t.ask()
    assert (completion.content, completion.finish_reason) == ("half a", "length")
    assert t.totals.finish_reasons == {"length": 1}


async def test_odd_characters_come_through_as_text_that_can_be_written() -> None:
    async with FaultyServer(lambda n, b: reply("a\ud800b\0c\u2028d \U0001f600")) as server, talk(server.base_url) as t:
        completion = await t.ask()
    assert completion.content == "a\ufffdbc\u2028d \U0001f600"
    completion.content.encode()


async def test_an_answer_of_two_megabytes_comes_whole() -> None:
    text = "word " * 400_000
    async with FaultyServer(lambda n, b: reply(text)) as server, talk(server.base_url) as t:
        assert (await t.ask()).content == text


async def test_a_server_that_was_never_there_stops_the_run() -> None:
    async with FaultyServer() as server:
        url = server.base_url
    async with talk(url) as t:
        with pytest.raises(RunStopped, match=r"no connection for 0\.05 s"):
            await t.ask()
    assert t.totals.requests == 0
    assert len(t.said) == 1


async def test_a_server_that_goes_and_comes_back_costs_no_attempt() -> None:
    async with FaultyServer() as server, talk(server.base_url) as t:
        await t.ask()
        await server.stop()
        asked = [asyncio.create_task(t.ask(key=f"d{i}")) for i in range(5)]
        while not any("cannot be reached" in line for line in t.said):
            await asyncio.sleep(0)
        await server.start()
        said = await asyncio.gather(*asked)
    assert [completion.content for completion in said] == ["ok"] * 5
    assert t.totals.requests >= 6
    assert any("is back" in line for line in t.said)


async def test_a_server_that_does_not_come_back_stops_the_run() -> None:
    async with FaultyServer() as server, talk(server.base_url, patience=Patience(gone_s=0.05)) as t:
        await t.ask()
        await server.stop()
        with pytest.raises(RunStopped, match=r"no connection for 0\.05 s"):
            await t.ask()


async def test_a_dialogue_stays_on_its_server() -> None:
    async with FaultyServer() as one, FaultyServer() as two, talk(one.base_url, two.base_url) as t:
        for i in range(20):
            for _ in range(3):
                await t.ask(f"dialogue {i}", key=f"d{i}")
    contents = [{body["messages"][0]["content"] for body in server.bodies} for server in (one, two)]
    assert not contents[0] & contents[1]
    assert min(len(part) for part in contents) >= 4


async def test_a_dead_server_is_passed_over_and_its_dialogues_go_elsewhere() -> None:
    async with FaultyServer() as one, FaultyServer() as two, talk(one.base_url, two.base_url) as t:
        await two.stop()
        said = await asyncio.gather(*(t.ask(key=f"d{i}") for i in range(20)))
        assert len(said) == 20
    assert one.requests == 20
    assert (t.totals.retries, len(t.said)) == (0, 1)
    assert "passed over" in t.said[0]


async def test_a_server_that_only_fails_is_passed_over_where_there_is_another() -> None:
    async with (
        FaultyServer(lambda n, b: status(500)) as bad,
        FaultyServer() as good,
        talk(bad.base_url, good.base_url) as t,
    ):
        said = [await t.ask(key=f"d{i}") for i in range(20)]
    assert len(said) == 20
    assert bad.requests == 3


async def test_all_servers_gone_stop_the_run() -> None:
    async with FaultyServer() as one, FaultyServer() as two:
        urls = (one.base_url, two.base_url)
    async with talk(*urls) as t:
        with pytest.raises(RunStopped, match="no connection"):
            await t.ask()


async def test_max_requests_is_never_exceeded() -> None:
    async with FaultyServer() as server, talk(server.base_url, max_requests=10) as t:
        came = await asyncio.gather(*(t.ask(key=f"d{i}") for i in range(20)), return_exceptions=True)
    assert server.requests == 10
    assert sum(isinstance(one, RunStopped) for one in came) == 10


async def test_max_cost_stops_before_it_is_exceeded_and_uses_nearly_all_of_it() -> None:
    price = Price(input=1000.0, output=1000.0)  # 17 tokens: 0.017 USD a request
    async with FaultyServer() as server, talk(server.base_url, price=price, max_cost_usd=1.0) as t:
        came = await asyncio.gather(*(t.ask(key=f"d{i}") for i in range(100)), return_exceptions=True)
    assert 0.9 < (t.meter.cost_usd or 0.0) <= 1.0
    assert all("--max-cost 1" in str(one) for one in came if isinstance(one, BaseException))
    assert server.requests == t.totals.requests == t.totals.replies


async def test_usage_that_nobody_reports_still_counts_against_the_cap() -> None:
    price = Price(input=1000.0, output=1000.0)
    behave = lambda number, body: reply(usage=None)  # noqa: E731
    async with FaultyServer(behave) as server, talk(server.base_url, price=price, max_cost_usd=1.0) as t:
        await asyncio.gather(*(t.ask(key=f"d{i}") for i in range(20)), return_exceptions=True)
    assert server.requests < 10
    assert t.meter.cost_usd is None


async def test_a_cancelled_request_gives_back_what_it_held() -> None:
    price = Price(input=1000.0, output=1000.0)
    async with FaultyServer(times(1, HANG)) as server, talk(server.base_url, price=price, max_cost_usd=0.5) as t:
        asked = asyncio.create_task(t.ask())
        while server.requests == 0:
            await asyncio.sleep(0)
        waiting = asyncio.create_task(t.ask(key="d2"))
        await asyncio.sleep(0)
        asked.cancel()
        assert (await waiting).content == "ok"


async def test_the_clock_is_settled_by_usage_and_a_request_that_was_refused_used_nothing() -> None:
    async with FaultyServer(times(1, status(429))) as server, talk(server.base_url) as t:
        await t.ask()
    (_, refused), (_, used) = t.paces_made[0].settled
    assert (refused, used) == (0, 17)


async def test_a_request_cancelled_before_its_turn_was_never_sent_nor_charged() -> None:
    async with FaultyServer() as server, talk(server.base_url) as t:
        t.paces_made[0].pause(60_000.0)
        asked = asyncio.create_task(t.ask())
        await asyncio.sleep(0)
        assert t.totals.requests == 1
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
    assert (server.requests, t.totals.requests, t.paces_made[0].settled) == (0, 0, [])


async def test_an_estimate_of_tokens_is_learned_from_what_replies_report() -> None:
    usage = {"prompt_tokens": 600, "completion_tokens": 40}
    async with FaultyServer(lambda number, body: reply(usage=usage)) as server, talk(server.base_url) as t:
        for _ in range(3):
            await t.ask()
    assert t.paces_made[0].settled[-1] == (640, 640)


async def test_keep_alive_connections_are_used_again() -> None:
    async with FaultyServer() as server, talk(server.base_url) as t:
        for _ in range(10):
            await t.ask()
    assert (server.connections, t.transport.connections, t.transport.requests) == (1, 1, 10)


async def test_roles_on_one_endpoint_share_its_clock_and_what_it_refuses() -> None:
    def behave(number: int, body: dict[str, Any]) -> Answer:
        return status(400, "Unrecognized request argument supplied: seed") if "seed" in body else reply()

    async with FaultyServer(behave) as server, talk(server.base_url) as t:
        await t.ask()
        other = t.another("user", t.endpoint, Sampling())
        await other.complete([{"role": "user", "content": "hi"}], key="d2", priority=0, seed=1)
    assert (server.requests, len(t.said)) == (3, 1)


SECRET = "very-secret-value-0123456789"


@pytest.mark.parametrize(
    "fault",
    [
        status(401, f"Incorrect API key provided: {SECRET}"),
        status(400, f"header Authorization: Bearer {SECRET} is odd"),
        status(500, raw=b"x" * 190 + SECRET.encode()),
        Answer(b"<html>" + b"y" * 180 + SECRET.encode()),
        status(429, f"quota of {SECRET}", code="insufficient_quota"),
        status(307, headers={"Location": f"https://a.example/{SECRET}"}),
        Answer(b'{"choices": [], "echo": "' + SECRET.encode() + b'"}'),
        status(400, f"Unsupported parameter: 'seed' for key {SECRET}", param="seed", code="unsupported_parameter"),
    ],
    ids=range(8),
)
async def test_no_error_and_no_note_shows_the_key(fault: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", SECRET)
    async with FaultyServer(lambda number, body: fault) as server, talk(server.base_url, api_key_env="MY_KEY") as t:
        with pytest.raises((ReplyFailed, RunStopped)) as caught:
            await t.ask()
    assert server.headers[0]["authorization"] == f"Bearer {SECRET}"
    shown = "\n".join([str(caught.value), repr(caught.value.__dict__), *t.said])
    assert not re.search("very-secret|secret-value|0123456789", shown)


async def test_a_key_that_is_not_there_is_a_usage_error_that_names_its_variable() -> None:
    with pytest.raises(UsageError, match="NO_SUCH_KEY"):
        async with talk("http://127.0.0.1:9/v1", api_key_env="NO_SUCH_KEY"):
            pass


def test_the_waits_of_these_tests_are_those_of_a_run_but_shorter() -> None:
    assert Patience().gone_s == 120.0
    assert QUICK.passed_over_s == Patience().passed_over_s
