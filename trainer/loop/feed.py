"""What the loop is fed: steps with this rank's micro-batches, made and moved to the device ahead of their use."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import NamedTuple

import torch

from trainer.batches.collate import Batch, collate
from trainer.batches.order import MicroBatch, Step
from trainer.loop.desk import Desk


class Ready(NamedTuple):
    """A step's micro-batches for this rank, as they come, and what the whole step counts."""

    batches: Iterator[Batch]
    micro_batches: int
    weight: float
    """Of the taught tokens of all ranks."""
    useful: int
    """Tokens of all ranks."""


class _Counts(NamedTuple):
    micro_batches: int
    weight: float
    useful: int


def fed(desk: Desk) -> Iterator[Ready]:
    """The steps that are left. One thread alone reads their order, and leaves here what each of them counts."""
    counted: deque[_Counts] = deque()
    coming = ahead(_made(desk, counted), desk.here.device)
    for first in coming:
        counts = counted.popleft()
        yield Ready(chain([first], coming), *counts)


def _made(desk: Desk, counted: deque[_Counts]) -> Iterator[Batch]:
    """The micro-batches of all steps; a step is counted before its first one is made."""
    learned = desk.learned
    for step in desk.course.steps(desk.standing.step):
        mine = _share(step, desk)
        examples = [example for micro in step for row in micro for example in row]
        counted.append(_Counts(len(mine), *learned.counts(examples)))
        for micro, silent in mine:
            batch = collate(micro, learned, desk.pad_id, fixed=desk.course.fixed)
            yield batch.silent() if silent else batch


def _share(step: Step, desk: Desk) -> list[tuple[MicroBatch, bool]]:
    """This rank's micro-batches; where the others have one more, the step's first again, silent."""
    here = desk.here
    mine = [(micro, False) for micro in step[here.rank :: here.world]]
    missing = -(-len(step) // here.world) - len(mine)
    return mine + [(step[0], True)] * missing


def ahead(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """The batches on the device, one made ahead in a thread; an error of the making comes out in its place."""

    def make() -> Batch | None:
        batch = next(batches, None)
        return batch if batch is None or device.type == "cpu" else batch.pinned()

    with ThreadPoolExecutor(1, "batches") as thread:
        coming = thread.submit(make)
        while (batch := coming.result()) is not None:
            coming = thread.submit(make)
            yield batch.to(device)
