"""What is compiled is compiled before the first step, not in the middle of a training."""

import time
from collections.abc import Iterator

import numpy as np
import torch

from trainer.batches.collate import Batch, collate
from trainer.nets import flash4
from trainer.nets.learner import Learner
from trainer.text.example import Example

LENGTH = 2
"""Tokens of a document that is learned from for nothing."""
FEW, MANY = 2, flash4.MANY_DOCUMENTS + 1
"""Documents of a row of each kind."""


class _Short:
    """Documents that hardly fill a row, all alike."""

    def __getitem__(self, place: int) -> Example:
        ones = np.ones(LENGTH, np.int32)
        return Example(str(place), ones, ones, ones.astype(np.float32))


def warmed(
    learner: Learner, device: torch.device, fixed: tuple[int, int] | None, micro_tokens: int, least: int
) -> float:
    """The seconds in which a packed row of each kind went forward and backward; no gradient is left of it.

    Rows of few documents and of more than MANY_DOCUMENTS have kernels of their own (`flash4`), and the first row of
    the second kind may come after an hour. `least` is the length of the shortest document: a kind that cannot come is
    left out.
    """
    began = time.perf_counter()
    for batch in _rows(fixed, micro_tokens, least):
        learner(batch.to(device)).backward()
    learner.zero_grad(set_to_none=True)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def _rows(fixed: tuple[int, int] | None, micro_tokens: int, least: int) -> Iterator[Batch]:
    come = micro_tokens // max(least, 1) >= flash4.MANY_DOCUMENTS and micro_tokens >= MANY * LENGTH
    for documents in (FEW, *([MANY] if come else [])):
        yield collate((tuple(range(documents)),), _Short(), 0, fixed=fixed)
