"""The model as the engine sees it: new tokens of some rows in, logits of their next tokens out.

`Slots` runs all rows in one pass and fits every transformers model whose attention takes a mask that was made outside.
`Separate` asks the model row by row with the model's own cache: slower, for what `Slots` does not fit. Which of the
two it is, is measured once: `network` lets both answer two short ragged prompts and compares.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, Protocol

import torch
from torch import Tensor

from dialogue.errors import UsageError
from trainer.serving.cache import COLUMNS, SlotCache

PASS_TOKENS = 4096
"""Tokens, padding included, that go through the network at once when prompts are read."""
PIECE_TOKENS = 1024
"""A longer prompt is read in such pieces, one a step, so that others do not wait for its end."""
_KNOWN = {"full_attention", "sliding_attention"}
_EXACT, _ROUGH = 1e-3, 0.05
"""How far the logits of two ways may lie apart, as a share of their spread: in float32, and in half precision."""


class Network(Protocol):
    """Rows of a cache, numbered from 0 without gaps by the engine."""

    def logits(self, first: int, tokens: Sequence[Sequence[int]], starts: Sequence[int]) -> Tensor:
        """(B, V): what follows after row `first` + i took `tokens[i]`, the first of them at position `starts[i]`."""

    def copy(self, source: int, target: int, length: int) -> None:
        """Make a row the double of another, `length` tokens long."""

    def reserve(self, rows: int, columns: int, most: int) -> None:
        """Have room for so many rows of so many tokens, within `most` rows times columns where that is enough."""

    def token_bytes(self) -> int:
        """Memory of one token of one row; 0 where it is not known."""


class Slots:
    """All rows in one pass."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._config = model.config.get_text_config()
        self._cache = SlotCache(self._config.num_hidden_layers)
        self._kinds = set(getattr(self._config, "layer_types", None) or ())
        self._device: torch.device = model.get_input_embeddings().weight.device

    def logits(self, first: int, tokens: Sequence[Sequence[int]], starts: Sequence[int]) -> Tensor:
        """(B, V) for the rows from `first` on; rows are padded at their left."""
        width = max(map(len, tokens))
        pads = [width - len(row) for row in tokens]
        ids = torch.tensor([[0] * pad + list(row) for pad, row in zip(pads, tokens, strict=True)], device=self._device)
        steps = torch.arange(width, device=self._device)[None] - torch.tensor(pads, device=self._device)[:, None]
        places = steps + torch.tensor(list(starts), device=self._device)[:, None]
        real = steps >= 0
        ends = [start + len(row) for start, row in zip(starts, tokens, strict=True)]
        view = min(-(-max(ends) // COLUMNS) * COLUMNS, self._cache.columns)
        self._cache.at(slice(first, first + len(tokens)), places.where(real, self._cache.columns), view)
        places = places.where(real, 0)
        out = self._model(
            input_ids=ids,
            position_ids=places,
            attention_mask=self._masks(places, view),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        last: Tensor = out.logits[:, -1]
        return last

    def _masks(self, places: Tensor, view: int) -> Tensor | dict[str, Tensor]:
        """(B, 1, T, view): a token sees its row's columns up to its own, in a sliding layer the last of them."""
        columns = torch.arange(view, device=places.device)
        full = columns <= places[..., None]
        window = getattr(self._config, "sliding_window", None)
        near = full if window is None else full & (columns > places[..., None] - window)
        if "sliding_attention" in self._kinds:
            return {"full_attention": self._mask(full), "sliding_attention": self._mask(near)}
        return self._mask(full if self._kinds else near)

    def _mask(self, allowed: Tensor) -> Tensor:
        if self._config._attn_implementation != "eager":
            return allowed[:, None]
        zero = torch.zeros((), dtype=self._model.dtype, device=allowed.device)
        return zero.where(allowed, torch.finfo(zero.dtype).min)[:, None]

    def copy(self, source: int, target: int, length: int) -> None:
        """Make a row the double of another."""
        self._cache.copy(source, target, length)

    def reserve(self, rows: int, columns: int, most: int) -> None:
        """Have room for so many rows of so many tokens."""
        self._cache.reserve(rows, columns, most)

    def token_bytes(self) -> int:
        """Memory of one token of one row."""
        return self._cache.token_bytes()


class Separate:
    """One row after the other, each with a cache of the model's own making."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._caches: dict[int, Any] = {}
        self._device: torch.device = model.get_input_embeddings().weight.device

    def logits(self, first: int, tokens: Sequence[Sequence[int]], starts: Sequence[int]) -> Tensor:
        """(B, V), row by row."""
        rows = enumerate(zip(tokens, starts, strict=True), first)
        return torch.cat([self._row(row, list(ids), start) for row, (ids, start) in rows])

    def _row(self, row: int, ids: list[int], start: int) -> Tensor:
        cache = self._caches.pop(row, None) if start else None
        out = self._model(input_ids=torch.tensor([ids], device=self._device), past_key_values=cache, use_cache=True)
        self._caches[row] = getattr(out, "past_key_values", None)
        if self._caches[row] is None:
            raise UsageError(f"{type(self._model).__name__}: keeps no past_key_values; such models are not served")
        last: Tensor = out.logits[:, -1]
        return last

    def copy(self, source: int, target: int, length: int) -> None:
        """Make a row the double of another; of one that came to nothing there is nothing to copy."""
        self._caches[target] = deepcopy(self._caches.get(source))

    def reserve(self, rows: int, columns: int, most: int) -> None:
        """Nothing: a cache grows by itself."""

    def token_bytes(self) -> int:
        """Not known."""
        return 0


def network(model: Any) -> Network:
    """`Slots` where it answers as the model alone does, else `Separate`."""
    kinds = set(getattr(model.config.get_text_config(), "layer_types", None) or ())
    slots = Slots(model)
    with answering(model):
        return slots if kinds <= _KNOWN and _agree(model, slots) else Separate(model)


def _agree(model: Any, slots: Slots) -> bool:
    """Whether two ragged prompts and one more token each give, side by side, what each gives alone."""
    size = model.config.get_text_config().vocab_size
    prompts = [[(7 * i + 3) % size for i in range(5)], [(11 * i + 1) % size for i in range(9)]]
    slots.reserve(len(prompts), max(map(len, prompts)), 0)
    try:
        slots.logits(0, [prompt[:-1] for prompt in prompts], [0, 0])
        together = slots.logits(0, [prompt[-1:] for prompt in prompts], [len(prompt) - 1 for prompt in prompts])
    except (RuntimeError, TypeError, ValueError, AttributeError, LookupError, NotImplementedError):
        return False
    device = together.device
    alone = torch.cat([model(torch.tensor([prompt], device=device)).logits[:, -1] for prompt in prompts])
    apart = (together.float() - alone.float()).abs().max()
    return bool(apart <= (_EXACT if model.dtype == torch.float32 else _ROUGH) * alone.float().std())


@contextmanager
def answering(model: Any) -> Iterator[None]:
    """The model made ready to answer, and given back as it was: no dropout, no gradients, an attention with masks."""
    before, trained = model.config._attn_implementation, model.training
    model.eval()
    if before not in ("sdpa", "eager"):
        model.set_attn_implementation("sdpa")
    try:
        with torch.no_grad():
            yield
    finally:
        if model.config._attn_implementation != before:
            model.set_attn_implementation(before)
        model.train(trained)
