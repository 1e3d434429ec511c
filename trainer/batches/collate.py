"""From examples to tensors: one shape for packed and padded micro-batches.

The shift by one (a token is taught by the place before it) happens here and nowhere else, within each document: the
last token of one never teaches the first of the next.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from trainer.batches.order import MicroBatch
from trainer.text.example import IGNORE_INDEX, Example


class Examples(Protocol):
    """What a micro-batch is taken from."""

    def __getitem__(self, place: int, /) -> Example: ...


class Batch(NamedTuple):
    """A micro-batch as the network takes it."""

    input_ids: Tensor
    """(B, T) int64."""
    position_ids: Tensor
    """(B, T) int64, beginning at 0 with every document."""
    rows: Tensor
    """(S,) int64, ascending: places in the flattened (B T) whose next token is taught."""
    targets: Tensor
    """(S,) int64, those tokens."""
    weights: Tensor
    """(S,) float32, what each of them counts."""
    cu_seqlens: Tensor | None
    """(D + 1,) int32, where documents begin in the one packed row, and its end; None where rows are documents."""
    max_seqlen: int
    """Tokens of the longest document, or of what it may be where shapes are fixed."""
    useful: int
    """Tokens that are no padding."""
    squares: int
    """Sum of the squares of the documents' lengths: what attention costs."""

    def to(self, device: torch.device) -> "Batch":
        """The same on a device; from pinned memory the copy goes on beside other work."""
        return self._replace(**{name: part.to(device, non_blocking=True) for name, part in self._tensors()})

    def pinned(self) -> "Batch":
        """The same in memory that a GPU can copy from by itself."""
        return self._replace(**{name: part.pin_memory() for name, part in self._tensors()})

    def silent(self) -> "Batch":
        """The same with nothing taught: for a rank that has none when the others have one more."""
        return self._replace(
            rows=self.rows[:0], targets=self.targets[:0], weights=self.weights[:0], useful=0, squares=0
        )

    def _tensors(self) -> list[tuple[str, Any]]:
        return [(name, part) for name, part in zip(self._fields, self, strict=True) if isinstance(part, Tensor)]


def collate(micro: MicroBatch, examples: Examples, pad_id: int, *, fixed: tuple[int, int] | None = None) -> Batch:
    """The tensors of a micro-batch. One row of several documents is packed; rows of one document each are padded right.

    `fixed` = (tokens, longest) gives a packed row always the same shape, for compiled code: documents of padding stand
    at its end. How many documents there are stays free.
    """
    if len(micro) == 1 and (len(micro[0]) > 1 or fixed is not None):
        return _packed([examples[place] for place in micro[0]], pad_id, fixed)
    return _padded([examples[row[0]] for row in micro], pad_id)


def _packed(documents: Sequence[Example], pad_id: int, fixed: tuple[int, int] | None) -> Batch:
    lengths = [len(one.input_ids) for one in documents]
    useful = sum(lengths)
    filler = [] if fixed is None or fixed[0] == useful else _filler(fixed[0] - useful, fixed[1])
    bounds = np.cumsum([0, *lengths, *filler])
    size = int(bounds[-1])
    ids = np.full(size, pad_id, np.int64)
    positions = np.zeros(size, np.int64)
    for start, length in zip(bounds, [*lengths, *filler], strict=False):
        positions[start : start + length] = np.arange(length)
    taught = [_taught(one, int(start)) for one, start in zip(documents, bounds, strict=False)]
    for one, start in zip(documents, bounds, strict=False):
        ids[start : start + len(one.input_ids)] = one.input_ids
    return Batch(
        torch.from_numpy(ids)[None],
        torch.from_numpy(positions)[None],
        *_joined(taught),
        torch.from_numpy(bounds.astype(np.int32)),
        fixed[1] if fixed is not None else max(lengths),
        useful,
        sum(length * length for length in lengths),
    )


def _filler(tokens: int, longest: int) -> list[int]:
    """Lengths of documents of padding that fill a row."""
    return [longest] * (tokens // longest) + [tokens % longest] * (tokens % longest > 0)


def _padded(rows: Sequence[Example], pad_id: int) -> Batch:
    lengths = [len(one.input_ids) for one in rows]
    width = max(lengths)
    ids = np.full((len(rows), width), pad_id, np.int64)
    for place, one in enumerate(rows):
        ids[place, : lengths[place]] = one.input_ids
    taught = [_taught(one, place * width) for place, one in enumerate(rows)]
    return Batch(
        torch.from_numpy(ids),
        torch.arange(width).repeat(len(rows), 1),
        *_joined(taught),
        None,
        width,
        sum(lengths),
        sum(length * length for length in lengths),
    )


def _taught(one: Example, start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places before a taught token, those tokens, and their weights."""
    places = np.flatnonzero(one.labels[1:] != IGNORE_INDEX)
    return places + start, one.labels[1:][places].astype(np.int64), one.weights[1:][places].astype(np.float32)


def _joined(taught: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> tuple[Tensor, Tensor, Tensor]:
    rows, targets, weights = (torch.from_numpy(np.concatenate(part)) for part in zip(*taught, strict=True))
    return rows, targets, weights
