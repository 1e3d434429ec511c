"""Cross entropy where something is taught, and nowhere else, without ever holding all logits.

At a third of the tokens taught, scoring only those saves two thirds of the head, the largest matrix of a small model.
The rows go through the head in chunks; a chunk's gradients are computed beside its loss, so that its logits, (chunk, V)
in float32, are forgotten before the next chunk (the way of Liger Kernel, arXiv 2410.10989, in plain torch).
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

CHUNK_ROWS = 4096


def loss_sum(
    hidden: Tensor, weight: Tensor, targets: Tensor, weights: Tensor, *, compiled: bool = False, chunk: int = CHUNK_ROWS
) -> Tensor:
    """The sum of weights * cross entropy, a float32 scalar.

    hidden is (S, d), the head's weight (V, d), targets and weights are (S,). Products are made in the precision of
    `hidden`, sums in float32. Without rows it is 0, and the gradients are 0 too: ranks wait for one another's.
    """
    if not torch.is_grad_enabled():
        weight = weight.detach()  # or its gradient would be computed all the same
    apply: Callable[..., Tensor] = _HeadLoss.apply
    return apply(hidden, weight, targets, weights, chunk, compiled)


def loss_sum_through(
    head: Callable[[Tensor], Tensor], hidden: Tensor, targets: Tensor, weights: Tensor, chunk: int = CHUNK_ROWS
) -> Tensor:
    """The same for a head that is more than a matrix (adapted, scaled, capped): logits are made twice, not kept."""

    def part(rows: Tensor, wanted: Tensor, counts: Tensor) -> Tensor:
        return (F.cross_entropy(head(rows).float(), wanted, reduction="none") * counts).sum()

    total = torch.zeros((), device=hidden.device)
    for start in range(0, max(1, len(targets)), chunk):
        rows = slice(start, start + chunk)
        total = total + checkpoint(part, hidden[rows], targets[rows], weights[rows], use_reentrant=False)
    return total


def _scored(logits: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """The chunk's loss, and the unweighted gradient of each row by its logits, in their precision."""
    chances = torch.log_softmax(logits.float(), dim=-1)
    loss = -(chances.gather(1, targets[:, None]).squeeze(1) * weights).sum()
    slope = chances.exp_().scatter_add_(1, targets[:, None], chances.new_full((len(targets), 1), -1.0))
    return loss, slope.to(logits.dtype)


def _scored_at_once(logits: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """The same, bit for bit, for compiled code: what is scattered would lie whole in memory in float32."""
    chances = torch.log_softmax(logits.float(), dim=-1)
    loss = -(chances.gather(1, targets[:, None]).squeeze(1) * weights).sum()
    right = torch.arange(logits.shape[1], device=logits.device) == targets[:, None]
    return loss, (chances.exp() - right.float()).to(logits.dtype)


@cache
def _compiled_scored() -> Any:
    return torch.compile(_scored_at_once, dynamic=False)


class _HeadLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, weights: Tensor, chunk: int, compiled: bool
    ) -> Tensor:
        kind = hidden.device.type
        # Cast here and once: autocast would cast it again for both products of each chunk.
        head = weight.detach().to(torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype)
        scored = _compiled_scored() if compiled else _scored
        loss = torch.zeros((), device=hidden.device)
        hidden_slope = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        weight_slope = torch.zeros_like(weight, dtype=torch.float32) if ctx.needs_input_grad[1] else None
        for start in range(0, len(targets), chunk):
            rows = slice(start, start + chunk)
            chosen = (hidden.detach()[rows], targets[rows], weights[rows])
            part, wanted, counts = _filled(*chosen, chunk) if compiled else chosen
            lost, slope = scored(part @ head.T, wanted, counts)
            loss += lost
            kept = min(chunk, len(targets) - start)
            # Weights go to the side that is d wide, not V.
            if hidden_slope is not None:
                hidden_slope[rows] = ((slope @ head) * counts[:, None])[:kept]
            if weight_slope is not None:
                weight_slope += slope.T @ (part * counts[:, None]).to(part.dtype)
        ctx.save_for_backward(hidden_slope, weight_slope)
        ctx.weight_dtype = weight.dtype
        return loss

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        hidden_slope, weight_slope = ctx.saved_tensors
        (scale,) = upstream
        return (
            # In float32: a scale rounded to bfloat16 would make all slopes wrong by the same share.
            None if hidden_slope is None else (hidden_slope.float() * scale).to(hidden_slope.dtype),
            None if weight_slope is None else (weight_slope * scale).to(ctx.weight_dtype),
            None,
            None,
            None,
            None,
        )


def _filled(rows: Tensor, targets: Tensor, weights: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """The chunk with rows that count nothing up to a size, so that compiled code meets one shape."""
    missing = size - len(rows)
    return F.pad(rows, (0, 0, 0, missing)), F.pad(targets, (0, missing)), F.pad(weights, (0, missing))
