"""The order of the data: which examples make a step, and how they stand in it.

A pure function of (lengths, seed, epoch) and the sizes asked for: nothing is drawn as the training goes, so a run that
is resumed, or run on another number of devices, reads the same examples in the same steps. Every example stands in an
epoch exactly once.

    pack    examples end to end in rows of `micro_tokens`, best fit decreasing: nothing is padded but a row's tail
    group   rows of one example each, neighbours of like length: windows of fifty steps are sorted, their steps shuffled
    pad     rows of one example each as they come: the reference

Sizes are in tokens a step (`batch_tokens`) or in examples a step (`batch`). A step is a tuple of micro-batches; rank r
of w takes those at r, r + w, r + 2 w, ...
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialogue.chance import hash64
from trainer.settings import Batches

Lengths = NDArray[np.int64]
Row = tuple[int, ...]
"""Examples that stand end to end."""
MicroBatch = tuple[Row, ...]
Step = tuple[MicroBatch, ...]

WINDOW_STEPS = 50
"""Steps whose examples are sorted, or packed, together. More fit better and are less random."""


class Sizes(NamedTuple):
    """How large steps and micro-batches are."""

    batches: Batches
    micro_tokens: int
    batch: int | None = None
    """Examples a step; None: the step is measured in tokens."""
    batch_tokens: int = 65_536


def steps(lengths: Lengths, sizes: Sizes, seed: int, epoch: int) -> Iterator[Step]:
    """The steps of an epoch, one after the other. Lengths are tokens, none above `micro_tokens`."""
    chance = np.random.default_rng(hash64(seed, "order", epoch))
    order = chance.permutation(len(lengths))
    for window in _windows(order, lengths, sizes):
        if sizes.batches == "pack":
            made = _packed(window, lengths, sizes)
        else:
            if sizes.batches == "group":
                window = window[np.argsort(lengths[window], kind="stable")]
            made = [_cut(step, lengths, sizes.micro_tokens) for step in _step_cuts(window, lengths, sizes)]
        for place in chance.permutation(len(made)):
            yield made[place]


def count(lengths: Lengths, sizes: Sizes, seed: int, epoch: int) -> int:
    """How many steps an epoch has."""
    if sizes.batch is not None:
        return -(-len(lengths) // sizes.batch)
    return sum(1 for _ in steps(lengths, sizes, seed, epoch))


def tokens_of(micro: MicroBatch, lengths: Lengths) -> int:
    """Tokens of a micro-batch that are no padding."""
    return int(sum(lengths[list(row)].sum() for row in micro))


def _windows(order: NDArray[np.int64], lengths: Lengths, sizes: Sizes) -> Iterator[NDArray[np.int64]]:
    """The shuffled examples in stretches of some steps."""
    if sizes.batch is not None:
        size = WINDOW_STEPS * sizes.batch
        yield from (order[at : at + size] for at in range(0, len(order), size))
        return
    window_tokens = WINDOW_STEPS * sizes.batch_tokens
    ends = np.cumsum(lengths[order])
    at = 0
    while at < len(order):
        before = ends[at - 1] if at else 0
        end = max(at + 1, int(np.searchsorted(ends, before + window_tokens, side="right")))
        yield order[at:end]
        at = end


def _step_cuts(window: NDArray[np.int64], lengths: Lengths, sizes: Sizes) -> list[NDArray[np.int64]]:
    """The window in steps: so many examples each, or as many as fit in a rectangle of so many tokens."""
    if sizes.batch is not None:
        return [window[at : at + sizes.batch] for at in range(0, len(window), sizes.batch)]
    cuts, at, widest = [], 0, 0
    for place, length in enumerate(lengths[window]):
        wider = max(widest, int(length))
        if place > at and wider * (place - at + 1) > sizes.batch_tokens:
            cuts.append(window[at:place])
            at, wider = place, int(length)
        widest = wider
    return [*cuts, window[at:]] if len(window) else []


def _cut(step: NDArray[np.int64], lengths: Lengths, micro_tokens: int) -> Step:
    """Micro-batches of rows of one example each, none wider than `micro_tokens` with its padding."""
    micros: list[MicroBatch] = []
    rows: list[Row] = []
    widest = 0
    for example in step.tolist():
        wider = max(widest, int(lengths[example]))
        if rows and wider * (len(rows) + 1) > micro_tokens:
            micros.append(tuple(rows))
            rows, wider = [], int(lengths[example])
        rows.append((example,))
        widest = wider
    return (*micros, tuple(rows)) if rows else tuple(micros)


def _packed(window: NDArray[np.int64], lengths: Lengths, sizes: Sizes) -> list[Step]:
    """Steps of packed rows; measured in tokens, a step has as many rows as make up its tokens."""
    if sizes.batch is not None:
        cuts = [window[at : at + sizes.batch] for at in range(0, len(window), sizes.batch)]
        return [tuple((row,) for row in packed(cut.tolist(), lengths, sizes.micro_tokens)) for cut in cuts]
    capacity = min(sizes.micro_tokens, max(sizes.batch_tokens, int(lengths[window].max())))
    rows = packed(window.tolist(), lengths, capacity)
    rows_a_step = max(1, sizes.batch_tokens // capacity)
    # Rows come longest documents first; dealt out in turn, every step gets some of each.
    step_count = -(-len(rows) // rows_a_step)
    return [tuple((row,) for row in rows[at::step_count]) for at in range(step_count)]


def packed(examples: Sequence[int], lengths: Lengths, capacity: int) -> list[Row]:
    """Rows of at most `capacity` tokens by best fit decreasing: each example goes where it leaves least room."""
    order = sorted(examples, key=lambda example: (-int(lengths[example]), example))
    rows: list[list[int]] = []
    free: list[tuple[int, int]] = []
    """(tokens left, row), sorted."""
    for example in order:
        length = int(lengths[example])
        place = bisect_left(free, (length, -1))
        if place < len(free):
            left, row = free.pop(place)
        else:
            left, row = capacity, len(rows)
            rows.append([])
        rows[row].append(example)
        insort(free, (left - length, row))
    return [tuple(row) for row in rows]
