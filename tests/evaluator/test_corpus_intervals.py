"""Figures say how sure they are, and the dialogue is what they count."""

import random
from statistics import mean, median, stdev

import numpy as np
import pytest
from scipy import stats

from evaluator.corpus.figure import Figure, Sums, never_seen
from evaluator.corpus.resampling import Dialogues
from evaluator.corpus.running import Running


def test_one_number_a_dialogue_has_students_interval() -> None:
    values = random.Random(1).choices(range(100), k=50)
    running = Running()
    for value in values:
        running.add([value])
    figure = running.figure("words")
    low, high = stats.t.interval(0.95, 49, mean(values), stdev(values) / 50**0.5)
    assert (figure.value, figure.median, figure.n) == (mean(values), median(values), 50)
    assert (figure.low, figure.high) == (pytest.approx(low), pytest.approx(high))


def test_turns_that_are_alike_within_dialogues_do_not_make_a_figure_surer() -> None:
    once, tenfold = Sums(), Sums()
    for value in random.Random(2).choices(range(100), k=50):
        once.add(value, 1)
        tenfold.add(10 * value, 10)
    alone, many = once.figure(""), tenfold.figure("")
    assert (alone.value, alone.low, alone.high) == (many.value, pytest.approx(many.low), pytest.approx(many.high))
    assert many.n == 500


@pytest.mark.parametrize(
    ("values", "middle", "p95"), [([1], 1, 1), ([1, 2], 1.5, 2), ([1, 2, 3], 2, 3), (list(range(1, 101)), 50.5, 95.5)]
)
def test_median_and_p95_lie_where_they_should(values: list[int], middle: float, p95: float) -> None:
    running = Running()
    running.add(values)
    figure = running.figure("")
    assert (figure.median, figure.p95) == (middle, p95)


def test_one_dialogue_has_a_mean_and_no_interval_and_none_has_neither() -> None:
    running = Running()
    assert running.figure("words").value is None
    running.add([])
    assert running.figure("words").why == "there is none"
    running.add([3, 5])
    figure = running.figure("words")
    assert (figure.value, figure.low, figure.high, figure.n) == (4, None, None, 2)


def test_the_bootstrap_of_a_ratio_is_that_of_its_two_sums() -> None:
    draw = np.random.default_rng(4)
    below = draw.integers(1, 5, 400).astype(float)
    above = draw.binomial(below.astype(int), 0.3).astype(float)
    low, high = Dialogues(400).ratio(above, below)
    ratio = above.sum() / below.sum()
    error = np.sqrt(np.sum((above - ratio * below) ** 2)) / below.sum()
    assert low == pytest.approx(ratio - 1.96 * error, abs=0.005)
    assert high == pytest.approx(ratio + 1.96 * error, abs=0.005)


def test_a_median_is_drawn_by_dialogues() -> None:
    draws = Dialogues(200)
    values = np.random.default_rng(6).normal(10, 2, 200)
    low, high = draws.median(values)
    assert low is not None
    assert high is not None
    assert 0.3 < high - low < 1.2, "about 2 x 1.96 x 1.25 x 2 / sqrt(200)"
    tripled = draws.median(np.repeat(values, 3), np.repeat(np.arange(200), 3))
    assert tripled == pytest.approx((low, high), abs=0.1)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(7).normal(5, 1, 1000)
    low, high = Dialogues(1000).jackknife(5.0, lambda there: float(values[there].mean()))
    assert low is not None
    assert high is not None
    assert (high - low) / 2 == pytest.approx(2.09 / 1000**0.5, rel=0.5)


def test_the_same_seed_draws_the_same_and_one_dialogue_draws_nothing() -> None:
    above, below = np.arange(30.0), np.ones(30)
    assert Dialogues(30, 1).ratio(above, below) == Dialogues(30, 1).ratio(above, below)
    assert Dialogues(30, 1).ratio(above, below) != Dialogues(30, -2).ratio(above, below)
    assert Dialogues(1).ratio([1.0], [2.0]) == (None, None)
    assert Dialogues(1).jackknife(1.0, lambda there: 1.0) == (None, None)


def test_two_thousand_dialogues_without_a_case_bound_its_share_below_two_in_a_thousand() -> None:
    assert never_seen(2000) == pytest.approx(stats.beta.ppf(0.975, 1, 2000))
    assert never_seen(2000) < 0.002 < never_seen(1500)


def test_a_figure_for_programs_has_its_five_keys_and_what_else_there_is() -> None:
    assert set(Figure(1.0, 2, "words").plain()) == {"value", "low", "high", "n", "unit"}
    assert Figure(None, 0, "words", why="there is none").plain()["why"] == "there is none"
