"""Rows for added tokens, and where they start from."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from trainer.nets.foreign import Model

MULTIPLE = 64
"""A grown vocabulary is rounded up to this: matrix units are slow on odd sizes."""


@torch.no_grad()
def grow(model: Model, rows: int, new_ids: Sequence[int], start: Literal["mean", "random"], seed: int) -> None:
    """Give the embeddings at least so many rows, and start those of new tokens, at the input and at the output.

    `mean` is the mean of all rows that were there (Hewitt 2021; OpenChat), `random` is normal with std 0.02. Rows
    beyond the tokenizer's start in the same way.
    """
    before = model.get_input_embeddings().weight.shape[0]
    if rows > before:
        model.resize_token_embeddings(rows, pad_to_multiple_of=MULTIPLE, mean_resizing=False)
    after = model.get_input_embeddings().weight.shape[0]
    fresh = sorted({*range(before, after), *new_ids})
    if not fresh:
        return
    generator = torch.Generator().manual_seed(seed)
    head = model.get_output_embeddings()
    tables = [model.get_input_embeddings().weight]
    if head is not None and head.weight is not tables[0]:
        tables.append(head.weight)
    for table in tables:
        _start(table, fresh, start, generator)
    if head is not None and getattr(head, "bias", None) is not None:
        _start(head.bias, fresh, "mean", generator)


def _start(table: Tensor, fresh: Sequence[int], start: str, generator: torch.Generator) -> None:
    """Overwrite the fresh rows of (V, d) or (V,)."""
    places = torch.tensor(fresh, device=table.device)
    if start == "random":
        drawn = torch.randn((len(fresh), *table.shape[1:]), generator=generator) * 0.02
        table[places] = drawn.to(table)
        return
    old = torch.ones(table.shape[0], dtype=torch.bool, device=table.device)
    old[places] = False
    table[places] = table[old].float().mean(dim=0).to(table)
