"""FlashAttention 4's place taken by code that computes the same slowly, anywhere."""

import sys
import types
from typing import Any, TypeAlias

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.nets import flash4

Calls: TypeAlias = list[dict[str, Any]]


def alone(query: Tensor, key: Tensor, value: Tensor, bounds: Tensor, scale: float) -> Tensor:
    """Each document by itself, (T, heads, width)."""
    found = []
    for start, end in zip(bounds.tolist(), bounds.tolist()[1:], strict=False):
        flat = [part[start:end].transpose(0, 1)[None] for part in (query, key, value)]
        found.append(F.scaled_dot_product_attention(*flat, is_causal=True, scale=scale, enable_gqa=True)[0])
    return torch.cat(found, dim=1).transpose(0, 1).contiguous()


def slopes(
    query: Tensor, key: Tensor, value: Tensor, slope: Tensor, bounds: Tensor, scale: float
) -> tuple[Tensor, ...]:
    """The gradients by hand: an operator's own code has no autograd."""
    groups = query.shape[1] // key.shape[1]
    found = [torch.zeros_like(part) for part in (query, key, value)]
    for start, end in zip(bounds.tolist(), bounds.tolist()[1:], strict=False):
        seen = torch.ones(end - start, end - start).tril().bool()
        for head in range(query.shape[1]):
            q, k, v, d = (
                query[start:end, head],
                *(p[start:end, head // groups] for p in (key, value)),
                slope[start:end, head],
            )
            shares = (q @ k.T * scale).masked_fill(~seen, -torch.inf).softmax(-1)
            inner = shares * (d @ v.T - (d * (shares @ v)).sum(-1, keepdim=True))
            for total, at, part in zip(
                found,
                (head, head // groups, head // groups),
                (inner @ k * scale, inner.T @ q * scale, shares.T @ d),
                strict=True,
            ):
                total[start:end, at] += part
    return tuple(found)


def put_in_place(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """A module in the kernels' place; what it was asked."""
    calls: Calls = []

    def forward(query: Tensor, key: Tensor, value: Tensor, **asked: Any) -> tuple[Any, ...]:
        calls.append(asked)
        out = alone(query, key, value, asked["cu_seqlens_q"], asked["softmax_scale"])
        return out, torch.zeros(query.shape[1], query.shape[0]), None, None, None

    def backward(query: Tensor, key: Tensor, value: Tensor, *more: Any, **asked: Any) -> tuple[Tensor, ...]:
        calls.append(asked)
        return slopes(query, key, value, more[1], asked["cu_seqlens_q"], asked["softmax_scale"])

    module = types.ModuleType(flash4.MODULE)
    module.__dict__.update(_flash_attn_fwd=forward, _flash_attn_bwd=backward)
    for name in ("flash_attn", "flash_attn.cute"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, flash4.MODULE, module)
    return calls
