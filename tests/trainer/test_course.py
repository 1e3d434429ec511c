"""All steps of a training are known before the first one, and can be entered anywhere."""

from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from trainer.batches import order
from trainer.batches.order import Sizes
from trainer.loop.course import Course, course, sizes_of
from trainer.settings import TrainSettings

LENGTHS = np.random.default_rng(0).integers(5, 60, 100)


def settings(**changes: Any) -> TrainSettings:
    return TrainSettings(data=(), out=Path("nowhere"), **{"max_length": 64, "micro_tokens": 128, **changes})


def planned(**changes: Any) -> Course:
    chosen = settings(**changes)
    return course(LENGTHS, sizes_of(chosen, on_gpu=False), chosen)


@pytest.mark.parametrize(
    ("epochs", "max_steps", "taken"),
    [
        (1, None, [10]),
        (2, None, [10, 10]),
        (2.5, None, [10, 10, 5]),
        (0.3, None, [3]),
        (0.01, None, [1]),
        (2.01, None, [10, 10]),
        (3, 7, [7]),
        (3, 10, [10]),
        (3, 14, [10, 4]),
        (1, 99, [10]),
    ],
)
def test_epochs_may_be_fractions_and_a_number_of_steps_ends_them(
    epochs: float, max_steps: int | None, taken: list[int]
) -> None:
    made = planned(batch=10, epochs=epochs, max_steps=max_steps)
    assert [done for done, _ in made.epochs] == taken
    assert made.total == sum(taken) == len(list(made.steps()))


@pytest.mark.parametrize("sizes", [{"batch": 7}, {"batch_tokens": 300}, {"batch_tokens": 300, "batches": "pack"}])
def test_a_training_can_go_on_at_any_step(sizes: dict[str, Any]) -> None:
    made = planned(epochs=2.5, **sizes)
    everything = list(made.steps())
    assert len(everything) == made.total
    for start in range(made.total + 1):
        assert list(islice(made.steps(start), 3)) == everything[start : start + 3]


def test_epochs_follow_one_another_in_orders_of_their_own() -> None:
    made = planned(epochs=2, batch=10)
    everything = list(made.steps())
    assert everything[:10] == list(order.steps(LENGTHS, made.sizes, 0, 0))
    assert everything[10:] == list(order.steps(LENGTHS, made.sizes, 0, 1))


@limits(deadline=None)
@given(st.floats(0.05, 4), st.integers(1, 40), st.none() | st.integers(1, 60))
def test_epochs_done_grow_with_the_steps_up_to_what_was_asked(epochs: float, batch: int, max_steps: int | None) -> None:
    made = planned(epochs=epochs, batch=batch, max_steps=max_steps)
    done = [made.epoch_at(step) for step in range(made.total + 1)]
    assert done[0] == 0
    assert all(before < after for before, after in pairwise(done))
    if max_steps is None:
        steps_an_epoch = -(-len(LENGTHS) // batch)
        assert abs(done[-1] - epochs) <= 0.5 / steps_an_epoch + 1e-9 or made.total == 1


def test_steps_are_of_65536_tokens_where_nothing_is_said_packed_where_shapes_shall_be_fixed() -> None:
    assert sizes_of(settings(), on_gpu=False) == Sizes("group", 128, None, 65_536)
    assert sizes_of(settings(), on_gpu=True).batches == "pack"
    assert sizes_of(settings(compile=True), on_gpu=False).batches == "pack"
    assert sizes_of(settings(batches="pad", batch=3), on_gpu=True) == Sizes("pad", 128, 3, 65_536)
