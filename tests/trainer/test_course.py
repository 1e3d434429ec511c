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
from trainer.loop.course import Course, course, notes, sizes_of, stepped
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


def test_small_data_is_learned_in_more_and_smaller_steps() -> None:
    """Steps of 65,536 tokens were three for 117 dialogues, and taught nothing."""
    small, large = np.full(117, 170), np.full(20_000, 500)
    plain = settings(max_length=512, micro_tokens=512)
    found = stepped(plain, small, on_gpu=False)
    assert (found.batch, course(small, sizes_of(found, False), found).total) == (8, 45)
    assert stepped(plain, np.full(2_000, 170), on_gpu=False).batch == 32
    assert stepped(plain, large, on_gpu=False) is plain
    for stated in ({"batch": 64}, {"batch_tokens": 65_536}):
        chosen = plain.model_copy(update=stated)
        assert stepped(chosen, small, on_gpu=False) is chosen
    short = plain.model_copy(update={"max_steps": 2})
    assert stepped(short, small, on_gpu=False) is short, "steps as few as were asked for are enough"


def told(held_out: int, **changes: Any) -> list[str]:
    return list(notes(settings(**changes), planned(**changes), held_out))


def test_few_steps_are_told_and_no_more_than_were_asked_for_are_not() -> None:
    assert told(0, batch=10, epochs=1) == [
        "only 10 steps teach little: smaller ones (--batch 8), more --epochs or more data make more"
    ]
    assert told(0, batch=10, epochs=1, max_steps=5) == []
    assert told(0, batch=10, epochs=3) == []


def test_looks_that_choose_nothing_are_told() -> None:
    sizes = {"batch": 1, "epochs": 1}
    assert told(0, eval_every=50, **sizes) == [
        "eval_every = 50: nothing is held out that could be looked at; --validation 0.05 does it"
    ]
    assert told(9, eval_every=50, save_every=30, **sizes) == [
        "save_every = 30, eval_every = 50: of 100 steps only the last is looked at and saved, so the model will be "
        "that one; --save-every 50 chooses the best"
    ]
    assert told(9, eval_every=20, save_every=40, **sizes) == told(9, **sizes) == []
