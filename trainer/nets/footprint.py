"""How many bytes a forward pass leaves for its backward pass, counted without computing anything.

The network stands there without weights, with one and with two of its blocks, and goes through short rows of two
lengths: what autograd saves of them (Chen et al. 2016, arXiv 1604.06174, name what is saved) tells the bytes a token
of a block and outside the blocks, and those of weights cast to the precision of the products. A compiled block keeps
less: about what goes into its matrices and what comes out of them, each once. That rule, on one H200, gives
16.1 d bytes x 2 a token and block of a Llama where 16.4 were measured at d = 2,048 and 14.9 at d = 1,024.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from trainer.batches.collate import Batch
from trainer.nets.attention import NAME
from trainer.nets.foreign import Model, library
from trainer.nets.learner import Learner

SHORT, LONG = 32, 96
"""Tokens of the two rows: memory is a line through them, since no dense mask is kept."""


class Footprint(NamedTuple):
    """Bytes that a forward pass leaves behind."""

    block: float
    """A token, in one block."""
    outside: float
    """A token, outside the blocks: embeddings, last norm."""
    stream: int
    """A token, between two blocks: all that is kept of a block that is computed again."""
    blocks: int
    block_copies: float
    """One block's weights in the precision of the products, where they are kept in another."""

    def activations(self, tokens: int, *, recomputed: bool) -> float:
        """Of so many tokens through all blocks; `recomputed` is gradient checkpointing."""
        if not recomputed:
            return tokens * (self.blocks * self.block + self.outside)
        return tokens * (self.blocks * self.stream + self.block + self.outside)

    def copies(self, *, recomputed: bool) -> float:
        """Of weights cast for products."""
        return self.block_copies * (1 if recomputed else self.blocks)


def footprint(model: Model, dtype: torch.dtype, *, compiled: bool = False, half_frozen: bool = False) -> Footprint:
    """The footprint of a model on the meta device, which is cut short by it. `half_frozen`: frozen weights in bfloat16.

    Without weights the products of a mixture's experts are known in bfloat16 alone: it is counted in that, and what a
    token leaves taken twice where they are made in float32, as they are of weights in float32 whatever `dtype` is.
    """
    mixture, size = _mixture(model), torch.empty(0, dtype=dtype).element_size()
    dtype = torch.bfloat16 if mixture else dtype
    stack = _stack(model)
    blocks = len(stack)
    whole = [(name, part) for name, part in stack[0].named_parameters() if part.requires_grad or not half_frozen]
    with library("torch._subclasses.fake_tensor").FakeTensorMode(allow_non_fake_inputs=True):
        del stack[2:]
        _placed(model, half_frozen, mixture)
        two = _passed(model, dtype, SHORT), _passed(model, dtype, LONG)
        del stack[1:]
        one = _passed(model, dtype, SHORT), _passed(model, dtype, LONG)
    span = LONG - SHORT
    both, single = ((long.saved - short.saved) / span for short, long in (two, one))
    saved = both - single
    copies = max(0, (two[0].saved - one[0].saved) - saved * SHORT)
    if mixture:
        copies = 2 * sum(part.numel() for name, part in whole if "experts." not in name) if size == 2 else 0
        saved *= 2 if size == 4 or any("experts." in name for name, _ in whole) else 1
    through = (two[1].through - one[1].through) / LONG
    stream = model.config.get_text_config().hidden_size * size
    return Footprint(min(through, saved) if compiled else saved, single - saved, stream, blocks, copies)


class _Pass(NamedTuple):
    saved: int
    """Bytes for the backward pass, parameters themselves left out."""
    through: int
    """Bytes into all matrices, each tensor once, and out of them, in the precision of the products."""


def _stack(model: nn.Module) -> nn.ModuleList:
    """The list of the network's blocks."""
    lists = [
        part for part in model.modules() if isinstance(part, nn.ModuleList) and len({type(one) for one in part}) == 1
    ]
    return max(lists, key=len)


def _mixture(model: nn.Module) -> bool:
    """Whether experts lie in it, many matrices in one tensor."""
    return any("experts." in name and part.ndim == 3 for name, part in model.named_parameters())


def _placed(model: Model, half_frozen: bool, all_half: bool) -> None:
    """Pretend that the model lies on the CPU."""
    model.to_empty(device="cpu")
    for parameter in model.parameters() if half_frozen or all_half else ():
        if all_half or not parameter.requires_grad:
            parameter.data = parameter.data.to(torch.bfloat16)


def _passed(model: Model, dtype: torch.dtype, tokens: int) -> _Pass:
    model.set_attn_implementation(NAME)
    model.train()
    learner = Learner(model, dtype)
    nothing = torch.zeros(0, dtype=torch.int64)
    ids = torch.zeros(1, tokens, dtype=torch.int64)
    places = torch.arange(tokens)[None]
    batch = Batch(ids, places, nothing, nothing, torch.zeros(0), None, tokens, tokens, tokens * tokens)
    size = torch.empty(0, dtype=dtype).element_size()
    with saved_bytes(model) as kept, _through(model) as flows, torch.autocast("cpu", dtype, enabled=size == 2):
        hidden = learner.hidden(batch)
    assert hidden.shape[1] == tokens
    return _Pass(sum(kept.values()), size * sum(flows))


@contextmanager
def saved_bytes(model: nn.Module) -> Iterator[dict[int, int]]:
    """Bytes by storage that autograd saves within the block, the model's own parameters and buffers left out."""
    own = {part.untyped_storage()._cdata for part in (*model.parameters(), *model.buffers())}
    kept: dict[int, int] = {}
    alive: list[Any] = []  # a storage that was freed would lend its number to another one

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage.nbytes()
            alive.append(storage)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield kept


@contextmanager
def _through(model: nn.Module) -> Iterator[list[int]]:
    """Numbers of elements that go into matrices, each tensor once, and out of them, within the block."""
    flows: list[int] = []
    seen: dict[int, Tensor] = {}

    def goes_in(_module: nn.Module, given: tuple[Any, ...]) -> None:
        if id(given[0]) not in seen:
            seen[id(given[0])] = given[0]  # held, so that its number is not given away
            flows.append(given[0].numel())

    def comes_out(_module: nn.Module, _given: tuple[Any, ...], out: Tensor) -> None:
        flows.append(out.numel())

    plain = nn.Linear, library("transformers.pytorch_utils").Conv1D
    matrices = [(name, part) for name, part in model.named_modules() if isinstance(part, plain)]
    handles = [part.register_forward_pre_hook(goes_in) for _, part in matrices]
    # What comes out of an adapter's second matrix is added to something, and nobody asks for it again.
    handles += [part.register_forward_hook(comes_out) for name, part in matrices if "lora_B" not in name]
    try:
        yield flows
    finally:
        for handle in handles:
            handle.remove()
