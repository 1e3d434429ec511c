"""Intervals and tests: the right kind for the values, and figures that others have computed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.stats.agreement import agreement
from evaluator.stats.arena import Battle, bradley_terry
from evaluator.stats.compare import compared, difference, gap, questions_for, ranks, resolvable
from evaluator.stats.intervals import clustered, mean, ratio, t, wilson
from evaluator.stats.length import Sample, far, lc_simple


@pytest.fixture
def draw() -> np.random.Generator:
    """The same numbers for each test, whichever ran before."""
    return np.random.default_rng(3)


def test_the_interval_fits_the_values(draw: np.random.Generator) -> None:
    many, few = list(range(300)), list(range(30))
    scores = draw.integers(1, 11, 300).astype(float).tolist()
    assert mean(scores, many).method == "t"
    assert mean(scores, [place // 2 for place in many]).method == "clustered-t"
    assert mean(scores[:30], few).method == "bca"
    assert mean(draw.exponential(size=300).tolist(), many).method == "bca"
    assert mean([0.0, 1.0] * 15, few).method == "wilson"
    assert mean([0.0, 1.0] * 15, [place // 2 for place in few]).method == "clustered-bca"
    assert mean([], []).method == "none"
    assert mean([7.0], ["a"]).low is None


def test_values_that_are_all_alike_are_no_certainty() -> None:
    found = mean([1.0] * 40, [place // 2 for place in range(40)])
    assert found.value == 1.0
    assert found.low == pytest.approx(wilson(20, 20).low)
    assert found.high == 1.0
    assert mean([7.0] * 40, range(40)).low is None
    assert mean([0.0] * 40, range(40), difference=True).low is None


def test_a_difference_of_ones_and_noughts_is_no_share() -> None:
    assert mean([0.0, 1.0] * 60, range(120), difference=True).method == "t"


def test_clusters_widen_the_interval_of_values_that_move_together(draw: np.random.Generator) -> None:
    values = np.repeat(draw.normal(size=150), 2) + draw.normal(0, 0.1, 300)
    grouped = clustered(values, [place // 2 for place in range(300)])
    assert grouped.se == pytest.approx(float(t(values).se or 0) * np.sqrt(2), rel=0.1)


def test_weights_weigh() -> None:
    found = mean([1.0, 0.0, 0.5] * 50, range(150), [3.0, 1.0, 1.0] * 50)
    assert found.value == pytest.approx((3 + 0.5) / 5)


def test_a_ratio_is_of_the_sums() -> None:
    found = ratio([1.0, 2.0, 30.0, 4.0], [2.0, 2.0, 40.0, 4.0])
    assert found.value == pytest.approx(37 / 48)
    assert ratio([1.0], [0.0]).low is None


@given(st.lists(st.integers(0, 10), min_size=3, max_size=12))
def test_any_interval_holds_its_value_or_there_is_none(values: list[int]) -> None:
    found = mean([float(value) for value in values], range(len(values)))
    assert found.low is None or found.high is None or found.low - 1e-9 <= found.value <= found.high + 1e-9


def test_mcnemar_of_ones_and_noughts() -> None:
    names = [str(place) for place in range(100)]
    a = dict(zip(names, [1.0] * 60 + [0.0] * 40, strict=True))
    b = dict(zip(names, [1.0] * 45 + [0.0] * 15 + [1.0] * 3 + [0.0] * 37, strict=True))
    found = difference("a", a, "b", b)
    assert found.test == "mcnemar"
    assert found.p == pytest.approx(0.00754, abs=1e-4)  # binomial, 3 of 18, two-sided
    assert found.estimate.value == pytest.approx(0.12)


def test_only_shared_questions_are_compared() -> None:
    found = difference("a", {"1": 5.0, "2": 6.0, "3": 1.0}, "b", {"2": 4.0, "3": 2.0, "4": 9.0})
    assert found.estimate.n == 2
    assert found.estimate.value == pytest.approx(0.5)


def test_systems_that_no_test_parts_share_their_ranks(draw: np.random.Generator) -> None:
    base = draw.normal(5, 1, 80)
    names = [str(place) for place in range(80)]
    scores = {
        name: dict(zip(names, base + shift + draw.normal(0, 0.5, 80), strict=True))
        for name, shift in {"low": 0.0, "mid": 1.0, "alike": 1.02, "top": 2.0}.items()
    }
    values = {name: float(np.mean(list(of.values()))) for name, of in scores.items()}
    found = ranks(values, compared(scores))
    assert found["top"] == (1, 1)
    assert found["low"] == (4, 4)
    assert found["mid"] == found["alike"] == (2, 3)


def test_power_is_millers() -> None:
    assert questions_for(0.01, 0.35) == 9_615
    assert questions_for(0.05, 0.5) == 785
    assert resolvable(0.5, 785) == pytest.approx(0.05, abs=1e-4)
    assert questions_for(0.0, 0.5) is None


def test_a_gap_of_different_questions_is_welchs() -> None:
    found = gap([2.0, 3.0, 4.0, 5.0], [1.0, 1.5, 1.0])
    assert found.value == pytest.approx(3.5 - 3.5 / 3)
    assert found.low is not None
    assert found.low > 0


def test_bradley_terry_finds_the_strengths_and_a_shut_out_has_one_too(draw: np.random.Generator) -> None:
    battles = []
    for question in range(300):
        for first, second, chance in (("a", "b", 0.64), ("b", "c", 0.64), ("a", "c", 0.76)):
            battles.append(Battle(str(question), first, second, float(draw.random() < chance)))
    found = bradley_terry(battles, "b", rounds=200)
    assert found["b"].value == 1000
    assert found["a"].value == pytest.approx(1100, abs=50)
    assert found["c"].value == pytest.approx(900, abs=50)
    lost = bradley_terry([Battle(str(place), "a", "b", 1.0) for place in range(20)], "b", rounds=50)
    assert np.isfinite(lost["a"].value)


def test_kappa_of_numbers_is_weighted_and_one_label_has_none() -> None:
    questions = [str(place) for place in range(6)]
    near = agreement([1, 2, 3, 4, 5, 3], [1, 2, 3, 5, 5, 3], questions)
    assert near.kappa.value > 0.9
    assert np.isnan(agreement(["1"] * 6, ["1"] * 6, questions).kappa.value)
    ties = agreement(["1", "2", "tie", "1", "2", "1"], ["1", "2", "1", "1", "1", "1"], questions)
    assert ties.raw.value == pytest.approx(4 / 6)
    assert ties.without_ties is not None
    assert ties.without_ties.value == pytest.approx(4 / 5)


def test_simple_length_control_takes_length_out_of_a_win_rate(draw: np.random.Generator) -> None:
    n = 400
    longer = draw.normal(0, 400, n)
    won = draw.random(n) < 1 / (1 + np.exp(-longer / 200))
    sample = Sample(
        [str(place) for place in range(n)], won.astype(float).tolist(), [1000.0] * n, (1200 + longer).tolist()
    )
    found = lc_simple(sample)
    assert found.low is not None
    assert found.high is not None
    raw, equal = 50, 100 / (1 + np.e)  # the system's answers are 200 characters longer, which is worth a logit of 1
    assert 100 * won.mean() == pytest.approx(raw, abs=6)
    assert found.low < equal < found.high
    assert far(12.0, 23.0)
    assert not far(50.0, 52.0)
