"""FlashAttention 4 over packed documents, where it is installed (`pip install 'duologue[flash]'`) and the GPU has it.

On an H200 the attention of a training step takes 0.69 of the time of torch's own varlen attention (docs/benchmarks.md).
Its kernels are compiled when they are first called, in a few seconds: one kind for rows of at most MANY_DOCUMENTS
documents, another for rows of more. To torch they are two operators, so that compiled layers hold them without a break.
"""

import warnings
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from inspect import isfunction
from typing import Any

import torch
from torch import Tensor

MODULE = "flash_attn.cute.interface"
GENERATIONS = (9, 10)
"""Compute capabilities, Hopper's and Blackwell's, for which torch too registers these kernels."""
MOST_WIDTH = 128
MANY_DOCUMENTS = 256
"""A row of more is searched by kernels of their own, compiled when the first such row comes."""
LEAST_LONGEST = 256
"""Documents are said to be so long at least: where all fit into one tile other kernels again would be compiled, and the
length is no more than a bound."""


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def serves() -> bool:
    """Whether the kernels are there and the current device is one of theirs."""
    return _serves()


@cache
def _serves() -> bool:
    if not torch.cuda.is_available() or torch.cuda.get_device_capability()[0] not in GENERATIONS:
        return False
    return _loads()


def fits(width: int) -> bool:
    """Whether there are kernels for heads so wide on each generation."""
    return width % 8 == 0 and width <= MOST_WIDTH


def attend(parts: tuple[Tensor, Tensor, Tensor], bounds: Tensor, longest: int, scaling: float | None) -> Tensor:
    """Causal attention within documents, (T, heads, width).

    The parts are query (T, heads, width), key and value (T, kv heads, width) in float16 or bfloat16; bounds are
    (D + 1,) int32, and no document has above `longest` tokens.
    """
    query, key, value = parts
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    out: Tensor = _forward(query, key, value, bounds, longest, scale)[0]
    return out


def kernels_compiled() -> int:
    """How many kernels this process has compiled or loaded so far; 0 where none are there, or it cannot be told."""
    if not serves():
        return 0
    functions = [one for one in vars(import_module(MODULE)).values() if isfunction(one)]
    caches = [getattr(getattr(one, "compile_cache", None), "cache", ()) for one in functions]
    return sum(len(cache) for cache in caches)


def _loads() -> bool:
    if find_spec("flash_attn") is None:  # FlashAttention 2's package has the same name, and none of this
        return False
    try:
        _kernels()
    except ModuleNotFoundError as error:
        if error.name == MODULE.rpartition(".")[0]:
            return False
        warnings.warn(f"FlashAttention 4 cannot be loaded ({error}): torch's own attention is used", stacklevel=2)
        return False
    except Exception as error:  # a beta, and bound to compilers and drivers: it may fail in any way
        warnings.warn(f"FlashAttention 4 cannot be loaded ({error}): torch's own attention is used", stacklevel=2)
        return False
    return True


def _kernels() -> Any:
    found = import_module(MODULE)
    return found._flash_attn_fwd, found._flash_attn_bwd


@torch.library.custom_op("duologue::document_attention", mutates_args=())
def _forward(
    query: Tensor, key: Tensor, value: Tensor, bounds: Tensor, longest: int, scale: float
) -> tuple[Tensor, Tensor]:
    out, log_sums, *_ = _kernels()[0](query, key, value, **_documents(bounds, longest, scale), return_lse=True)
    return out, log_sums


@torch.library.custom_op("duologue::document_attention_backward", mutates_args=())
def _backward(
    slope: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    out: Tensor,
    log_sums: Tensor,
    bounds: Tensor,
    longest: int,
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    documents = _documents(bounds, longest, scale)
    slopes = _kernels()[1](query, key, value, out, slope.contiguous(), log_sums, **documents)
    return slopes[0], slopes[1], slopes[2]


def _documents(bounds: Tensor, longest: int, scale: float) -> dict[str, Any]:
    longest = max(longest, LEAST_LONGEST)
    return {
        "softmax_scale": scale,
        "causal": True,
        "cu_seqlens_q": bounds,
        "cu_seqlens_k": bounds,
        "max_seqlen_q": longest,
        "max_seqlen_k": longest,
    }


@_forward.register_fake
def _(query: Tensor, key: Tensor, value: Tensor, bounds: Tensor, longest: int, scale: float) -> tuple[Tensor, Tensor]:
    return _like(query), query.new_empty((query.shape[1], query.shape[0]), dtype=torch.float32)


@_backward.register_fake
def _(slope: Tensor, query: Tensor, key: Tensor, value: Tensor, *more: Any) -> tuple[Tensor, Tensor, Tensor]:
    return _like(query), _like(key), _like(value)


def _like(part: Tensor) -> Tensor:
    return torch.empty_like(part, memory_format=torch.contiguous_format)


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    query, key, value, bounds, ctx.longest, ctx.scale = inputs
    ctx.save_for_backward(query, key, value, *output, bounds)


def _slopes(ctx: Any, slope: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    query, key, value, out, log_sums, bounds = ctx.saved_tensors
    found = _backward(slope, query, key, value, out, log_sums, bounds, ctx.longest, ctx.scale)
    return (*found, None, None, None)


_forward.register_autograd(_slopes, setup_context=_remember)
