"""The next-slot clock alone: plain arithmetic, no loop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.pace.slots import SHARE, WINDOW_S, Slots

AMOUNTS = st.lists(st.integers(1, 5000), min_size=1, max_size=60)


def sent_at(slots: Slots, amounts: list[int]) -> list[float]:
    """When each amount goes, all of them waiting from the start."""
    now, times = 0.0, []
    for amount in amounts:
        now = max(now, slots.due(now, amount))
        slots.take(now, amount)
        times.append(now)
    return times


def test_requests_go_evenly_from_the_first():
    times = sent_at(Slots(600, 1.0), [1] * 50)
    assert times == pytest.approx([number * 0.1 / SHARE for number in range(50)])


@given(AMOUNTS, st.floats(100, 1e6))
def test_no_minute_holds_more_than_the_limit_save_one_amount_that_is_larger_by_itself(amounts, per_minute):
    times = sent_at(Slots(per_minute, 2.0), amounts)
    for start, time in enumerate(times):
        within = [amount for at, amount in zip(times, amounts, strict=True) if time <= at < time + WINDOW_S]
        assert sum(within) <= per_minute * (1 + 1e-9) or within == [amounts[start]]


@given(AMOUNTS, st.lists(st.integers(0, 5000), min_size=60, max_size=60))
def test_settling_makes_the_clock_what_the_true_amounts_would_have_made_it(estimates, actuals):
    estimated, exact = Slots(1e6, 2.0), Slots(1e6, 2.0)
    for estimate, actual in zip(estimates, actuals, strict=False):
        estimated.take(0.0, estimate)
        estimated.correct(0.0, actual - estimate)
        exact.take(0.0, actual)
    assert estimated.next_at == pytest.approx(exact.next_at)
    assert estimated.rate(1.0) == pytest.approx(exact.rate(1.0))


def test_lateness_is_made_up_for_up_to_the_slack_and_no_further():
    slots = Slots(600, 1.0)
    slots.take(0.0, 1)
    at_once = 0
    while slots.due(30.0, 1) <= 30.0:
        slots.take(30.0, 1)
        at_once += 1
    assert at_once == 10


def test_a_pause_gives_no_credit():
    slots = Slots(600, 1.0)
    slots.take(0.0, 1)
    slots.hold(30.0)
    slots.take(30.0, 1)
    assert slots.due(30.0, 1) > 30.09


def test_the_rate_of_the_last_minute_forgets_what_is_older():
    slots = Slots(60, 1.0)
    for now in range(30):
        slots.take(float(now), 1)
    assert slots.rate(30.0) == pytest.approx(60, rel=0.01)
    assert slots.rate(200.0) == 0.0
