"""Planned rounds follow the preset, inside the range asked for."""

from collections import Counter

import pytest

from dialogue.errors import UsageError
from generator.user.rounds import rounds
from prompts.loader import Prompts

PROMPTS = Prompts()


def shares(preset: str, low: int, high: int) -> dict[int, float]:
    found = Counter(rounds(PROMPTS, preset, low, high, 1, i) for i in range(4000))
    return {number: count / 4000 for number, count in sorted(found.items())}


def test_the_preset_is_renormalised_on_the_range() -> None:
    found = shares("training", 3, 7)
    plan = {3: 26 / 77, 4: 23 / 77, 5: 14 / 77, 6: 9 / 77, 7: 5 / 77}
    assert set(found) == set(plan)
    assert sum(abs(found[number] - share) for number, share in plan.items()) / 2 < 0.03


def test_the_presets_have_the_means_that_they_state() -> None:
    assert sum(number * share for number, share in shares("training", 1, 20).items()) == pytest.approx(3.9, abs=0.15)
    assert sum(number * share for number, share in shares("wild", 1, 20).items()) == pytest.approx(2.6, abs=0.2)


def test_a_range_that_the_preset_does_not_touch_is_drawn_evenly() -> None:
    found = shares("training", 20, 23)
    assert set(found) == {20, 21, 22, 23}
    assert max(found.values()) < 0.29


def test_one_number_is_that_number() -> None:
    assert shares("wild", 4, 4) == {4: 1.0}


def test_an_unknown_preset_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"'tame'.*training, wild"):
        rounds(PROMPTS, "tame", 1, 2, 0)
