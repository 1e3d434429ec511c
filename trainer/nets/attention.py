"""Attention that ends where a document ends, registered with transformers under one name.

A packed row holds many documents; each token sees the earlier tokens of its own. No dense mask is made: on a GPU by
FlashAttention 4 where it is installed, by torch's own varlen attention (FlashAttention 2), or by flex attention where
neither can serve; elsewhere document after document by scaled_dot_product_attention, which is how the CPU is fastest
too. Rows of one document each are plain causal attention: padding stands on the right, where no real token sees it.

A model gets it by `attn_implementation=NAME` and takes `cu_seq_lens_q` and `max_length_q` as keyword arguments in
its forward pass, as transformers names them. transformers builds no mask for a name that it has none for.
"""

import inspect
from functools import cache, lru_cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import AttentionInterface

from trainer.nets import flash4

NAME = "by_document"
VARLEN_DTYPES = (torch.bfloat16, torch.float16)
VARLEN_MOST_WIDTH = 256
"""Of heads, that FlashAttention has kernels for."""
FLEX_LEAST_WIDTH = 16


def by_document(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    cu_seq_lens_q: Tensor | None = None,
    max_length_q: int | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """Attention output (B, T, heads, width), from query (B, heads, T, width), key and value (B, kv heads, T, width)."""
    odd = bool(more.get("softcap")) or more.get("s_aux") is not None
    attend = partial(
        partial(_by_hand, cap=more.get("softcap"), sinks=more.get("s_aux")) if odd else _causal,
        scaling=scaling,
        dropout=dropout,
        window=sliding_window,
    )
    if cu_seq_lens_q is None:
        return attend(query, key, value).transpose(1, 2).contiguous(), None
    assert max_length_q is not None
    if query.is_cuda and not dropout and not odd:
        if query.dtype in VARLEN_DTYPES and query.shape[-1] <= VARLEN_MOST_WIDTH:
            if sliding_window is None and flash4.serves() and flash4.fits(query.shape[-1]):
                flat = _flat(query, key, value)
                return flash4.attend(flat, cu_seq_lens_q, max_length_q, scaling)[None], None
            return _varlen(query, key, value, cu_seq_lens_q, max_length_q, scaling, sliding_window), None
        if query.shape[-1] >= FLEX_LEAST_WIDTH:
            return _flex(query, key, value, cu_seq_lens_q, scaling, sliding_window).transpose(1, 2).contiguous(), None
    # Split, not sliced: a split's gradient is put together once, a slice's is padded to the whole row.
    lengths = cu_seq_lens_q.diff().tolist()
    documents = zip(*(torch.split(part, lengths, dim=2) for part in (query, key, value)), strict=True)
    parts = [attend(*document) for document in documents if document[0].shape[2]]
    return torch.cat(parts, dim=2).transpose(1, 2).contiguous(), None


def _causal(
    query: Tensor, key: Tensor, value: Tensor, scaling: float | None, dropout: float, window: int | None
) -> Tensor:
    """Every token sees itself and the earlier ones, or the last `window` of them."""
    mask = None
    if window is not None and window < query.shape[2]:
        mask = _seen(query.shape[2], window, query.device)
    return F.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=mask,
        dropout_p=dropout,
        is_causal=mask is None,
        scale=scaling,
        enable_gqa=query.shape[1] != key.shape[1],
    )


def _by_hand(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scaling: float | None,
    dropout: float,
    window: int | None,
    cap: float | None,
    sinks: Tensor | None,
) -> Tensor:
    """The same with scores that no kernel of torch makes: capped softly (Gemma 2), or with a sink a head (gpt-oss)."""
    length, groups = query.shape[2], query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    scores = query @ key.transpose(2, 3) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    if cap:
        scores = torch.tanh(scores / cap) * cap
    scores = scores.masked_fill(~_seen(length, window or length, query.device), float("-inf"))
    if sinks is not None:
        scores = torch.cat([scores, sinks.reshape(1, -1, 1, 1).expand(len(scores), -1, length, 1)], dim=-1)
    shares = torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)[..., :length]
    return F.dropout(shares, dropout) @ value


def _seen(length: int, window: int, device: torch.device) -> Tensor:
    """(T, T), whether the row's token sees the column's."""
    places = torch.arange(length, device=device)
    ahead = places[:, None] - places[None]
    return (ahead >= 0) & (ahead < window)


def _varlen(
    query: Tensor, key: Tensor, value: Tensor, bounds: Tensor, longest: int, scaling: float | None, window: int | None
) -> Tensor:
    attend, takes = _torch_varlen()
    groups = query.shape[1] // key.shape[1]
    if groups > 1 and "enable_gqa" not in takes:
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
        groups = 1
    causal: dict[str, Any] = {"window_size": (-1 if window is None else window - 1, 0)}
    if "window_size" not in takes:
        if window is not None:
            raise NotImplementedError("a sliding window in packed rows needs a newer torch: batches = 'group'")
        causal = {"is_causal": True}
    if groups > 1:
        causal["enable_gqa"] = True
    out: Tensor = attend(*_flat(query, key, value), bounds, bounds, longest, longest, scale=scaling, **causal)
    return out[None]


def _flat(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(T, heads, width) of a packed row's (1, heads, T, width)."""
    return query[0].transpose(0, 1), key[0].transpose(0, 1), value[0].transpose(0, 1)


@cache
def _torch_varlen() -> tuple[Any, frozenset[str]]:
    """torch's varlen attention and the names of its parameters, which grew from version to version."""
    from torch.nn.attention import varlen

    return varlen.varlen_attn, frozenset(inspect.signature(varlen.varlen_attn).parameters)


def _flex(
    query: Tensor, key: Tensor, value: Tensor, bounds: Tensor, scaling: float | None, window: int | None
) -> Tensor:
    blocks = _blocks(bounds, query.shape[2], window)
    out: Tensor = _compiled_flex()(
        query, key, value, block_mask=blocks, scale=scaling, enable_gqa=query.shape[1] != key.shape[1]
    )
    return out


@cache
def _compiled_flex() -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=False)


@lru_cache(maxsize=2)  # all layers of a micro-batch ask for the same; a tensor is its own key
def _blocks(bounds: Tensor, length: int, window: int | None) -> Any:
    from torch.nn.attention.flex_attention import create_block_mask

    places = torch.arange(length, device=bounds.device, dtype=bounds.dtype)
    document = torch.searchsorted(bounds[1:].contiguous(), places, right=True)

    def seen(_row: Tensor, _head: Tensor, at: Tensor, other: Tensor) -> Tensor:
        near = (document[at] == document[other]) & (at >= other)
        return near if window is None else near & (at - other < window)

    return create_block_mask(seen, None, None, length, length, device=str(bounds.device))


AttentionInterface.register(NAME, by_document)
