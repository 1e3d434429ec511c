"""Every example stands in an epoch once, in steps that are a function of (seed, epoch) and of nothing else."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.batches.order import Lengths, Sizes, Step, count, packed, steps, tokens_of
from trainer.settings import Batches

MICRO = 256
ALL: tuple[Batches, ...] = ("pack", "group", "pad")
some_lengths = st.lists(st.integers(2, MICRO), min_size=1, max_size=120).map(lambda found: np.array(found, np.int64))
some_sizes = st.builds(
    Sizes,
    st.sampled_from(ALL),
    st.just(MICRO),
    st.none() | st.integers(1, 40),
    st.sampled_from((16, 200, 256, 700, 5000)),
)


def talks(number: int, seed: int = 0) -> Lengths:
    """Lengths as dialogues have them: mean 158 tokens, median 121, the longest some 900."""
    drawn = np.exp(np.random.default_rng(seed).normal(np.log(121), 0.73, number))
    return np.clip(drawn, 12, 1024).astype(np.int64)


def examples_of(step: Step) -> list[int]:
    return [example for micro in step for row in micro for example in row]


def wide(step: Step, lengths: Lengths, packs: bool) -> list[int]:
    """Places of each micro-batch with its padding."""
    return [
        tokens_of(micro, lengths) if packs else len(micro) * max(int(lengths[row[0]]) for row in micro)
        for micro in step
    ]


@settings(deadline=None)
@given(some_lengths, some_sizes, st.integers(0, 2**31), st.integers(0, 3))
def test_every_example_stands_in_an_epoch_exactly_once(lengths: Lengths, sizes: Sizes, seed: int, epoch: int) -> None:
    made = list(steps(lengths, sizes, seed, epoch))
    assert Counter(example for step in made for example in examples_of(step)) == Counter(range(len(lengths)))
    assert all(step and all(micro and all(row for row in micro) for micro in step) for step in made)
    assert count(lengths, sizes, seed, epoch) == len(made)


@settings(deadline=None)
@given(some_lengths, some_sizes, st.integers(0, 9))
def test_no_micro_batch_is_wider_than_asked(lengths: Lengths, sizes: Sizes, seed: int) -> None:
    for step in steps(lengths, sizes, seed, 0):
        assert max(wide(step, lengths, sizes.batches == "pack")) <= MICRO
        for micro in step:
            assert len(micro) == 1 if sizes.batches == "pack" else all(len(row) == 1 for row in micro)


@settings(deadline=None)
@given(some_lengths, some_sizes, st.integers(0, 9))
def test_a_step_has_the_examples_or_the_tokens_that_were_asked_for(lengths: Lengths, sizes: Sizes, seed: int) -> None:
    made = list(steps(lengths, sizes, seed, 0))
    for step in made:
        if sizes.batch is not None:
            assert len(examples_of(step)) <= sizes.batch
        else:
            assert sum(wide(step, lengths, sizes.batches == "pack")) <= max(sizes.batch_tokens, lengths.max())
    if sizes.batch is not None:
        assert sum(len(examples_of(step)) < sizes.batch for step in made) <= 1


@settings(deadline=None)
@given(some_lengths, some_sizes, st.integers(0, 9), st.integers(0, 3))
def test_the_order_is_a_function_of_seed_and_epoch(lengths: Lengths, sizes: Sizes, seed: int, epoch: int) -> None:
    np.random.default_rng(1).random(3)
    assert list(steps(lengths, sizes, seed, epoch)) == list(steps(lengths.copy(), sizes, seed, epoch))


@pytest.mark.parametrize("batches", ALL)
def test_another_epoch_and_another_seed_bring_another_order(batches: Batches) -> None:
    lengths, sizes = talks(500), Sizes(batches, 2048, batch_tokens=4096)
    orders = [list(steps(lengths, sizes, seed, epoch)) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    assert orders[0] != orders[1] != orders[2] != orders[0]


@pytest.mark.parametrize("world", [1, 2, 3, 8])
def test_the_ranks_of_any_number_share_a_step_without_loss_or_double(world: int) -> None:
    for step in steps(talks(800), Sizes("pack", 1024, batch_tokens=8192), 0, 0):
        shares = [step[rank::world] for rank in range(world)]
        assert Counter(micro for share in shares for micro in share) == Counter(step)
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize(("micro_tokens", "batch_tokens", "least"), [(2048, 16_384, 0.97), (16_384, 65_536, 0.99)])
def test_packed_rows_of_dialogues_are_nearly_full(micro_tokens: int, batch_tokens: int, least: float) -> None:
    lengths = talks(20_000)
    made = list(steps(lengths, Sizes("pack", micro_tokens, batch_tokens=batch_tokens), 0, 0))
    places = sum(len(step) for step in made) * micro_tokens
    assert lengths.sum() / places >= least


def test_packed_steps_by_examples_are_nearly_full_where_they_are_large() -> None:
    lengths = talks(20_000)
    made = list(steps(lengths, Sizes("pack", 2048, batch=512), 0, 0))
    assert lengths.sum() / (sum(len(step) for step in made) * 2048) >= 0.97


def test_neighbours_of_like_length_leave_little_to_pad_and_chance_leaves_much() -> None:
    lengths = talks(20_000)

    def useful(batches: Batches) -> float:
        made = steps(lengths, Sizes(batches, 2048, batch_tokens=16_384), 0, 0)
        return float(lengths.sum() / sum(sum(wide(step, lengths, False)) for step in made))

    assert useful("group") >= 0.95
    assert useful("pad") <= 0.6


def test_steps_of_like_lengths_do_not_come_one_after_the_other() -> None:
    lengths = talks(20_000)
    made = list(steps(lengths, Sizes("group", 2048, batch_tokens=8192), 0, 0))
    means = np.array([lengths[examples_of(step)].mean() for step in made])
    assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.2


def test_packed_steps_hold_long_and_short_dialogues_alike() -> None:
    lengths = talks(20_000)
    made = list(steps(lengths, Sizes("pack", 2048, batch_tokens=16_384), 0, 0))
    longest = [int(lengths[examples_of(step)].max()) for step in made]
    assert np.quantile(longest, 0.1) > np.quantile(lengths, 0.9)


@settings(deadline=None)
@given(st.lists(st.integers(1, 100), min_size=1, max_size=60))
def test_best_fit_leaves_no_two_rows_that_would_have_gone_into_one(lengths: list[int]) -> None:
    rows = packed(range(len(lengths)), np.array(lengths, np.int64), 100)
    fills = sorted(sum(lengths[example] for example in row) for row in rows)
    assert all(fill <= 100 for fill in fills)
    assert len(fills) < 2 or fills[0] + fills[1] > 100
