"""Keys and values of many replies under way: a row each, a column for each position, no padding between them.

A row's token at position p lies in column p, so a mask is a comparison of numbers and rows of any lengths stand side
by side. What a forward pass pads goes to one more column behind the last, which nothing reads.
"""

from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

COLUMNS = 64
"""Columns are made and read in multiples of it."""


class SlotLayer(CacheLayerMixin):  # type: ignore[no-untyped-call]  # transformers is half typed
    """One layer's keys (R, H, C + 1, D) and values (R, H, C + 1, E)."""

    is_sliding = False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.keys: Tensor | None = None
        self.values: Tensor | None = None
        self.rows = slice(0, 0)
        self.columns = torch.empty(0, 0, dtype=torch.long)
        self.view = 0
        self.size = (0, 0)

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Take shapes and type from the first states."""
        self.keys, self.values = self._room(key_states), self._room(value_states)
        self.is_initialized = True

    def _room(self, like: Tensor) -> Tensor:
        rows, columns = self.size
        return like.new_zeros(rows, like.shape[1], columns + 1, like.shape[3])

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Put the new states into their columns; returns those of the rows from column 0 to `view`."""
        if self.keys is None or self.values is None:
            self.lazy_initialization(key_states, value_states)
        assert self.keys is not None
        assert self.values is not None
        rows = torch.arange(self.rows.start, self.rows.stop, device=key_states.device)[:, None]
        self.keys[rows, :, self.columns] = key_states.transpose(1, 2)
        self.values[rows, :, self.columns] = value_states.transpose(1, 2)
        return self.keys[self.rows, :, : self.view], self.values[self.rows, :, : self.view]

    def resize(self, rows: int, columns: int) -> None:
        """Have room for so many, keeping what is there."""
        old, self.size = (self.keys, self.values), (rows, columns)
        if self.keys is None or self.values is None:
            return
        self.keys, self.values = self._room(self.keys), self._room(self.values)
        for new, before in zip((self.keys, self.values), old, strict=True):
            assert before is not None
            r, c = min(rows, before.shape[0]), min(columns, before.shape[2] - 1)
            new[:r, :, :c] = before[:r, :, :c]

    def copy(self, source: int, target: int, length: int) -> None:
        """Make one row's first columns those of another."""
        for states in (self.keys, self.values):
            if states is not None:
                states[target, :, :length] = states[source, :, :length]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """As the masks that we bring along have it."""
        return self.view, 0

    def get_seq_length(self) -> int:
        """0: positions are always given."""
        return 0

    def get_max_length(self) -> int:
        """Columns."""
        return self.size[1]


class SlotCache(Cache):
    """A `SlotLayer` for each layer of the model."""

    layers: list[Any]

    def __init__(self, layers: int) -> None:
        super().__init__(layers=[SlotLayer() for _ in range(layers)])
        self.rows = self.columns = 0

    def at(self, rows: slice, columns: Tensor, view: int) -> None:
        """Say where the states of the next pass go: `columns` (B, T), one line for each of the rows."""
        for layer in self.layers:
            layer.rows, layer.columns, layer.view = rows, columns, view

    def reserve(self, rows: int, columns: int, most: int) -> None:
        """Have room for so many rows and columns; no more of either than that where it would be above `most` cells."""
        if rows <= self.rows and columns <= self.columns:
            return
        columns = -(-columns // COLUMNS) * COLUMNS
        widest, longest = max(rows, self.rows), max(columns, self.columns)
        self.rows, self.columns = (widest, longest) if widest * longest <= most else (rows, columns)
        for layer in self.layers:
            layer.resize(self.rows, self.columns)

    def copy(self, source: int, target: int, length: int) -> None:
        """Make one row's first columns those of another."""
        for layer in self.layers:
            layer.copy(source, target, length)

    def token_bytes(self) -> int:
        """What one token of one row takes, all layers together; 0 before the first pass."""
        states = [part for layer in self.layers for part in (layer.keys, layer.values) if part is not None]
        return sum(part.shape[1] * part.shape[3] * part.element_size() for part in states)
