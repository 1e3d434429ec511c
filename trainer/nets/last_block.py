"""The last block without what nobody reads, on a CPU.

Behind the last attention no token sees another, and of what comes out only the places are used whose next token is
taught. So the last block makes its queries, attention's output product and its feed-forward part at those places alone
and leaves zeros elsewhere; keys and values it makes of all tokens. Loss and gradients are the same. With a third of the
tokens taught that is an eighth of all products of a net of four layers, and next to nothing of a large one: a GPU,
whose code is compiled and whose FLOPs are counted whole, goes without.

Narrowed are parts by the names that most families give them (`self_attn.q_proj`, `self_attn.o_proj`, `mlp`), and only
where they are made of plain matrices: no experts, no convolutions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Size, Tensor, nn

from trainer.loop.layers import layers

MOST = 0.75
"""Share of wanted places above which picking them costs what it saves."""


class LastBlock:
    """Narrows a model's last block while `only` holds, and otherwise leaves it alone."""

    def __init__(self, model: nn.Module) -> None:
        self._last = layers(model)[-1:]
        self._rows: Tensor | None = None
        self._shape: Size | None = None
        """Of what the part that runs was given; None where it was not narrowed."""
        for part in _parts(self._last):
            part.register_forward_pre_hook(self._narrow, with_kwargs=True)
            part.register_forward_hook(self._widen)

    @contextmanager
    def only(self, rows: Tensor | None) -> Iterator[None]:
        """Only places `rows` (S,) of the flattened (B T) are wanted of what is computed in here; None: all are."""
        # What is recomputed is so in the backward pass, outside of here, where it would not be narrowed again.
        recomputed = any(getattr(block, "gradient_checkpointing", False) for block in self._last)
        self._rows = rows if rows is not None and rows.is_cpu and len(rows) and not recomputed else None
        try:
            yield
        finally:
            self._rows = None

    def _narrow(
        self, _part: nn.Module, given: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[tuple[Tensor], dict[str, Any]] | None:
        if self._rows is None or len(given) != 1 or named:  # BLOOM's adds what it is given besides
            return None
        (whole,) = given
        if len(self._rows) > MOST * whole.shape[:-1].numel():
            return None
        self._shape = whole.shape
        return (whole.reshape(1, -1, whole.shape[-1]).index_select(1, self._rows),), {}

    def _widen(self, _part: nn.Module, _given: tuple[Any, ...], made: Tensor) -> Tensor | None:
        shape, self._shape = self._shape, None
        if shape is None or self._rows is None:
            return None
        whole = made.new_zeros(1, shape[:-1].numel(), made.shape[-1])
        return whole.index_copy_(1, self._rows, made).view(*shape[:-1], -1)


def _parts(last: list[nn.Module]) -> list[nn.Module]:
    """What may be narrowed of the last block; nothing of what is called or built otherwise."""
    found = []
    for block in last:
        attention = getattr(block, "self_attn", None)
        found += [getattr(attention, "q_proj", None), getattr(attention, "o_proj", None), getattr(block, "mlp", None)]
    return [part for part in found if isinstance(part, nn.Module) and _plain(part)]


def _plain(part: nn.Module) -> bool:
    """Whether all its parameters are those of linear layers."""
    inside = list(part.modules())
    linear = sum(len(list(one.parameters(recurse=False))) for one in inside if isinstance(one, nn.Linear))
    return linear == len(list(part.parameters())) and not any(isinstance(one, nn.ModuleList) for one in inside)
