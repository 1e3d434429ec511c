"""Headers of many providers, the odd ones too."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.pace.limits import Gauge, Limits, Reading, readings, retry_after_s, seconds, short


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("120ms", 0.12),
        ("7m12s", 432.0),
        ("0.100s", 0.1),
        ("1h2m3.5s", 3723.5),
        ("2d", 172_800.0),
        (" 12 ", 12.0),
        ("0", 0.0),
        ("soon", None),
        ("1s later", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        (None, None),
    ],
)
def test_a_duration_is_read_in_every_spelling(text, expected):
    assert seconds(text) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "2", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "Wed, 01 Jan 2025 00:00:30 GMT", "date": "Wed, 01 Jan 2025 00:00:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 01 Jan 2025 00:00:00 GMT"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "86400"}, 3600.0),
        ({"x-ratelimit-reset-requests": "1m1s"}, 61.0),
        (
            {"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "9s", "x-ratelimit-remaining-tokens": "0"},
            9.0,
        ),
        ({"retry-after": "whenever"}, None),
        ({"retry-after": "Wed, 99 Jan 2025 00:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_the_wait_after_a_refusal_is_read_from_what_the_endpoint_sends(headers, expected):
    assert retry_after_s(headers) == expected


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_no_header_makes_the_wait_negative_endless_or_an_error(after, in_ms, reset):
    headers = {"retry-after": after, "retry-after-ms": in_ms, "x-ratelimit-reset-requests": reset}
    wait_s = retry_after_s(headers)
    assert wait_s is None or 0.0 <= wait_s <= 3600.0
    readings({"x-ratelimit-limit-requests": after, "ratelimit-limit": in_ms, "x-ratelimit-remaining-requests": reset})


@pytest.mark.parametrize("limit", ["0", "-1", "", "unlimited", "nan"])
def test_a_limit_of_zero_or_no_number_is_not_stated(limit):
    assert readings({"x-ratelimit-limit-requests": limit, "x-ratelimit-limit-tokens": limit}) == {}


def test_requests_and_tokens_are_read_whatever_the_case_of_the_names():
    headers = {"X-RateLimit-Limit-Requests": "600", "X-RateLimit-Limit-Tokens": "250000"}
    assert {kind: reading.limit for kind, reading in readings(headers).items()} == {"requests": 600, "tokens": 250_000}


@pytest.mark.parametrize(
    ("value", "per_minute"), [("100", 100.0), ("100, 100;w=60", 100.0), ("10;w=1", 600.0), ("50, 1000;w=3600", 50 / 60)]
)
def test_the_standard_header_is_read_with_its_window(value, per_minute):
    assert Gauge().per_minute(readings({"ratelimit-limit": value})["requests"]) == pytest.approx(per_minute)


def test_a_limit_of_a_day_that_refills_steadily_is_spread_over_the_day():
    gauge = Gauge()
    assert gauge.per_minute(Reading(200, 199, 432.0)) == pytest.approx(200 / 1440)
    assert gauge.per_minute(Reading(200, 150, 21_600.0)) == pytest.approx(200 / 1440)


def test_a_limit_of_a_day_is_noticed_at_the_second_reading_where_its_reset_is_within_a_minute():
    gauge = Gauge()
    assert gauge.per_minute(Reading(14_400, 14_399, 6.0)) == 14_400
    assert gauge.per_minute(Reading(14_400, 14_397, 18.0)) == pytest.approx(10.0)
    assert gauge.per_minute(Reading(14_400, 14_399, 6.0)) == pytest.approx(10.0)


def test_a_fixed_minute_is_never_taken_for_hours():
    gauge = Gauge()
    for used, reset_s in ((1, 59.9), (2, 59.8), (50, 55.0), (599, 1.0)):
        assert gauge.per_minute(Reading(600, 600 - used, reset_s)) == 600


def test_a_fixed_day_is_spread_over_what_is_left_of_it():
    gauge = Gauge()
    gauge.per_minute(Reading(1000, 999, 36_000.0))
    assert gauge.per_minute(Reading(1000, 900, 36_000.0)) == pytest.approx(900 / 600)


def test_the_limit_of_the_user_is_a_ceiling_that_headers_only_lower():
    limits = Limits(500, None)
    assert not limits.learn({"x-ratelimit-limit-requests": "600"})
    assert limits.learn({"x-ratelimit-limit-requests": "100", "x-ratelimit-limit-tokens": "30000"})
    assert limits.per_minute == {"requests": 100, "tokens": 30_000}
    assert limits.learn({"x-ratelimit-limit-requests": "9000"})
    assert limits.per_minute["requests"] == 500


@given(st.floats(0.001, 1e9))
def test_a_short_number_is_within_a_twentieth_of_the_number(number):
    text = short(number)
    value = float(text.rstrip("kM")) * {"k": 1e3, "M": 1e6}.get(text[-1], 1)
    assert math.isclose(value, number, rel_tol=0.06)
