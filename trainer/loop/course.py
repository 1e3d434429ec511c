"""The course of a training: all its steps, over all epochs, known before the first one."""

import math
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.batches import order
from trainer.batches.order import Sizes, Step
from trainer.settings import TrainSettings

BATCH_TOKENS = 65_536
ENOUGH = 100
"""Steps for which smaller ones are taken: three steps of 117 dialogues taught nothing that could be measured."""
SMALLEST = 8
"""Examples; no smaller step is taken unless it is asked for: its gradient would be mostly noise."""
FEW = 30
"""Fewer steps are told."""


class Course(NamedTuple):
    """Steps as a pure function of their number."""

    lengths: NDArray[np.int64]
    sizes: Sizes
    seed: int
    epochs: tuple[tuple[int, int], ...]
    """Of each epoch the steps that are gone through, and all that it has."""
    fixed: tuple[int, int] | None = None
    """Tokens of every packed row and of the longest document in it, for compiled code; None: as they come."""

    @property
    def total(self) -> int:
        """All steps."""
        return sum(taken for taken, _ in self.epochs)

    def steps(self, start: int = 0) -> Iterator[Step]:
        """The steps from number `start` on."""
        for epoch, (count, _) in enumerate(self.epochs):
            if start < count:
                yield from islice(order.steps(self.lengths, self.sizes, self.seed, epoch), start, count)
            start = max(0, start - count)

    def epoch_at(self, step: int) -> float:
        """Epochs done after so many steps."""
        done = 0.0
        for taken, whole in self.epochs:
            done += min(step, taken) / whole
            step = max(0, step - taken)
        return done


def sizes_of(settings: TrainSettings, on_gpu: bool) -> Sizes:
    """How large steps are."""
    batches = settings.batches or ("pack" if on_gpu or settings.compile else "group")
    return Sizes(batches, settings.micro_tokens, settings.batch, settings.batch_tokens or BATCH_TOKENS)


def stepped(settings: TrainSettings, lengths: NDArray[np.int64], on_gpu: bool) -> TrainSettings:
    """The settings with smaller steps where nobody stated their size and steps of the usual one would be too few.

    A function of data and settings: a training that goes on takes the same steps.
    """
    if settings.batch is not None or settings.batch_tokens is not None:
        return settings
    unending = settings.model_copy(update={"max_steps": None})
    if course(lengths, sizes_of(unending, on_gpu), unending).total >= min(ENOUGH, settings.max_steps or ENOUGH):
        return settings
    wanted = int(len(lengths) * settings.epochs / ENOUGH)
    batch = max(SMALLEST, 1 << max(0, wanted.bit_length() - 1))
    smaller = batch * int(lengths.mean()) < BATCH_TOKENS
    return settings.model_copy(update={"batch": batch}) if smaller else settings


def notes(settings: TrainSettings, way: Course, held_out: int) -> Iterator[str]:
    """What a person should know of a course before it is gone, and may not have meant."""
    total, looked, saved = way.total, settings.eval_every, settings.save_every
    bound = settings.max_steps is not None and total == settings.max_steps
    if total < FEW and not bound:
        yield f"only {total:,} steps teach little: smaller ones (--batch 8), more --epochs or more data make more"
    if not held_out and looked != TrainSettings.model_fields["eval_every"].default:
        yield f"eval_every = {looked}: nothing is held out that could be looked at; --validation 0.05 does it"
    if held_out and looked < total <= math.lcm(looked, saved):
        yield (
            f"save_every = {saved}, eval_every = {looked}: of {total:,} steps only the last is looked at and saved, "
            f"so the model will be that one; --save-every {looked} chooses the best"
        )


def course(lengths: NDArray[np.int64], sizes: Sizes, settings: TrainSettings) -> Course:
    """The course over examples of these lengths."""
    counts: list[tuple[int, int]] = []
    left = settings.max_steps if settings.max_steps is not None else 1 << 62
    epoch = 0
    while left > 0 and epoch < settings.epochs:
        whole = order.count(lengths, sizes, settings.seed, epoch)
        taken = min(left, max(int(epoch == 0), round(whole * min(1.0, settings.epochs - epoch))))
        if taken:
            counts.append((taken, whole))
        left -= taken
        epoch += 1
    fixed = (sizes.micro_tokens, settings.max_length) if settings.compile and sizes.batches == "pack" else None
    return Course(lengths, sizes, settings.seed, tuple(counts), fixed)
