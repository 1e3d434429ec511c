"""The learning rate climbs, follows its schedule, and no step is taken at a rate of nothing."""

import itertools
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from trainer.loop.schedule import lr_at, warmup_steps
from trainer.settings import Schedule, TrainSettings

ALL: tuple[Schedule, ...] = ("constant", "linear", "cosine", "flat_then_linear")


def rates(total: int, **changes: Any) -> list[float]:
    settings = TrainSettings(data=(), out=Path("nowhere"), lr=1.0, **changes)
    return [lr_at(settings, step, total) for step in range(total)]


def test_warm_up_climbs_evenly_to_the_whole_rate() -> None:
    assert rates(6, schedule="constant", warmup_steps=3) == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])


def test_a_warm_up_may_be_a_share_of_all_steps() -> None:
    settings = TrainSettings(data=(), out=Path("nowhere"), warmup_ratio=0.03)
    assert warmup_steps(settings, 1000) == 30
    assert warmup_steps(settings, 10) == 1


def test_linear_loses_as_much_with_every_step() -> None:
    assert rates(4, schedule="linear") == pytest.approx([1, 0.75, 0.5, 0.25])
    assert rates(4, schedule="linear", final_lr_ratio=0.2) == pytest.approx([1, 0.8, 0.6, 0.4])


def test_cosine_is_half_of_the_way_in_the_middle() -> None:
    made = rates(8, schedule="cosine", final_lr_ratio=0.1)
    assert made[0] == 1
    assert made[4] == pytest.approx(0.55)
    assert made[2] == pytest.approx(0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi / 4)))


def test_flat_then_linear_stays_and_falls() -> None:
    made = rates(10, schedule="flat_then_linear", flat_ratio=0.4)
    assert made == pytest.approx([1, 1, 1, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])
    assert rates(5, schedule="flat_then_linear", flat_ratio=1.0) == [1.0] * 5


@limits(deadline=None)
@given(st.sampled_from(ALL), st.integers(1, 60), st.integers(0, 70), st.floats(0, 1), st.floats(0, 1))
def test_a_rate_is_above_nothing_never_above_the_whole_and_falls_after_the_warm_up(
    schedule: Schedule, total: int, warmup: int, flat: float, final: float
) -> None:
    made = rates(total, schedule=schedule, warmup_steps=warmup, flat_ratio=flat, final_lr_ratio=final)
    assert all(0 < rate <= 1 for rate in made)
    assert all(rate >= final - 1e-12 for rate in made[warmup:])
    after = made[warmup:]
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(after))


def test_a_training_of_one_step_takes_it_at_the_whole_rate() -> None:
    assert [rates(1, schedule=schedule) for schedule in ALL] == [[1.0]] * len(ALL)
