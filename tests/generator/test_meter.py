import asyncio

import orjson
import pytest

from dialogue.errors import RunStopped, UsageError
from dialogue.records import Usage
from generator.client.endpoint import Price
from generator.client.meter import NAMES_KEPT, Meter

PRICE = Price(input=1.0, cached=0.1, output=2.0)
MILLION = Usage(
    requests=1, prompt_tokens=1_000_000, cached_tokens=500_000, completion_tokens=1_000_000, reasoning_tokens=7
)


def test_totals_and_cost_are_kept_by_role() -> None:
    meter = Meter({"user": PRICE, "assistant": PRICE})
    meter.roles["user"].paid(MILLION, 0.0)
    meter.roles["user"].named("stop", "m-1", "fp")
    assert meter.roles["user"].cost_usd == pytest.approx(0.5 + 0.05 + 2.0)
    assert meter.cost_usd == pytest.approx(2.55)
    assert meter.tokens == 2_000_000
    user = meter.as_dict()["roles"]["user"]
    assert (user["cache_hit_share"], user["reasoning_tokens"], user["models"]) == (0.5, 7, {"m-1": 1})


def test_a_role_without_a_price_leaves_the_sum_unknown_once_it_has_spoken() -> None:
    meter = Meter({"user": None, "assistant": PRICE})
    assert meter.cost_usd == 0.0
    meter.roles["user"].paid(MILLION, 0.0)
    assert meter.cost_usd is None
    assert Meter({"user": None}).cost_usd is None


def test_replies_without_usage_are_counted_and_priced_at_nothing() -> None:
    meter = Meter({"user": PRICE})
    meter.roles["user"].paid(Usage(requests=1), 0.0)
    assert (meter.roles["user"].unreported, meter.cost_usd) == (1, None)
    meter.roles["user"].paid(MILLION, 0.0)
    assert meter.cost_usd is None  # a sum that lacks something is no cost
    assert meter.roles["user"].reported_usd == pytest.approx(2.55)
    assert meter.roles["user"].mean_completion == 1_000_000


async def test_as_long_as_no_answer_is_known_one_request_goes_to_find_out_how_long_they_are() -> None:
    meter = Meter({"user": PRICE}, max_cost_usd=3.0)
    role = meter.roles["user"]
    first = await meter.reserve(role, 10)
    second = asyncio.create_task(meter.reserve(role, 10))
    await asyncio.sleep(0)
    assert not second.done()
    role.paid(Usage(requests=1, prompt_tokens=10, completion_tokens=4000), first)
    meter.release(role, first)
    assert await second > 10 * first


async def test_a_role_with_a_longest_answer_holds_back_that_much() -> None:
    meter = Meter({"user": PRICE}, max_cost_usd=3.0)
    role = meter.roles["user"]
    role.limit = 1_000_000
    assert await meter.reserve(role, 0) > 1.0
    assert role.holding == 1


def test_a_meter_goes_on_where_it_was() -> None:
    meter = Meter({"user": PRICE, "assistant": None})
    meter.roles["user"].paid(MILLION, 0.0)
    meter.roles["user"].named("stop", "m-1", None)
    meter.roles["assistant"].paid(Usage(requests=1), 0.3)
    again = Meter({"user": PRICE, "assistant": None})
    again.restore(orjson.loads(orjson.dumps(meter.as_dict())))
    again.restore({})
    assert again.as_dict() == meter.as_dict()


def test_a_cap_on_cost_needs_every_price() -> None:
    with pytest.raises(UsageError, match=r"--max-cost 5: no price is known for the model of opener, user"):
        Meter({"opener": None, "user": None, "assistant": PRICE}, max_cost_usd=5)


async def test_a_request_near_the_cap_waits_for_those_before_it() -> None:
    meter = Meter({"user": PRICE}, max_cost_usd=3.0)
    role = meter.roles["user"]
    role.longest = 1_000_000
    first = await meter.reserve(role, 500_000)
    second = asyncio.create_task(meter.reserve(role, 500_000))
    await asyncio.sleep(0)
    assert not second.done()
    meter.release(role, first)
    assert await second == pytest.approx(2.5)


async def test_a_request_that_no_longer_fits_stops_the_run_and_is_not_counted() -> None:
    meter = Meter({"user": PRICE}, max_cost_usd=3.0)
    role = meter.roles["user"]
    role.paid(MILLION, 0.0)
    with pytest.raises(RunStopped, match=r"--max-cost 3: 2\.5500 USD spent"):
        await meter.reserve(role, 0)
    assert meter.requests == 0


async def test_a_cap_on_requests_holds_for_all_roles_together() -> None:
    meter = Meter({"user": None, "assistant": None}, max_requests=2)
    await meter.reserve(meter.roles["user"], 1)
    await meter.reserve(meter.roles["assistant"], 1)
    with pytest.raises(RunStopped, match="--max-requests 2"):
        await meter.reserve(meter.roles["user"], 1)


def test_names_that_a_server_invents_anew_do_not_pile_up() -> None:
    role = Meter({"user": None}).roles["user"]
    for i in range(1000):
        role.named(None, "m", f"fp-{i}")
    assert len(role.fingerprints) == NAMES_KEPT
    assert role.models == {"m": 1000}


async def test_requests_that_cost_nothing_wait_for_nobody_under_a_cap() -> None:
    """An endpoint of one's own: none has to find out how long an answer is, and none gives anything back."""
    meter = Meter({"user": Price(input=0, output=0)}, max_cost_usd=1.0)
    role = meter.roles["user"]
    held = await asyncio.wait_for(asyncio.gather(*(meter.reserve(role, 100) for _ in range(3))), 5)
    for amount in held:
        meter.release(role, amount)
    assert (role.holding, role.under_way) == (0, 0)
