"""Ranks: one process a device, started by torchrun, each holding its part of the model (FSDP2).

Alone, everything here does nothing. Each rank computes its share of a step's micro-batches; the sum of gradients over
all ranks is what one process would have computed, since losses are divided by the step's global weight.
"""

import atexit
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, NamedTuple, NoReturn

import torch
from torch import Tensor, nn

from dialogue.errors import DuologueError, RunStopped, UsageError
from trainer.loop.layers import layers

GONE = ("Connection closed by peer", "Connection reset by peer", "Broken pipe")
"""What gloo says where a rank is no more."""
PATIENCE_H = 6
"""Hours that the others wait for the first rank, which encodes the data and writes checkpoints."""


class Here(NamedTuple):
    """This process among the others."""

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this one speaks and writes."""
        return self.rank == 0


def here() -> Here:
    """This process' place; joins the others where torchrun started several."""
    world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    else:
        device = torch.device("cpu")
    if world > 1 and not torch.distributed.is_initialized():
        backend = "nccl" if device.type == "cuda" else "gloo"
        torch.distributed.init_process_group(backend, timeout=timedelta(hours=PATIENCE_H))
        atexit.register(_part_from_the_others)
    return Here(rank, world, device)


def _part_from_the_others() -> None:
    """At the end of the process, not of a training: a group that was left cannot be joined again; stages need it."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def leave(status: int) -> NoReturn:
    """End this process of several with the status, and without Python's own ending.

    gloo's threads outlive their group, which torch's caches hold on to; one that lets go of a tensor when Python ends
    meanwhile would abort the process, after all was done.
    """
    _part_from_the_others()
    with suppress(OSError):  # a reader may have left
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def wait(place: Here) -> None:
    """Until all are here."""
    if place.world > 1:
        torch.distributed.barrier()


@contextmanager
def together(place: Here) -> Iterator[None]:
    """A block in which the first rank alone may fail, or each in its own way; then all end, each with its own words.

    Without it a rank would wait for one that has gone. Inside, no rank may wait for another.
    """
    failed: DuologueError | None = None
    try:
        yield
    except DuologueError as error:
        failed = error
    others = agreed(failed is not None, place)
    if failed is not None:
        raise failed
    if others:
        raise UsageError("another process of this training could not begin")


@contextmanager
def left_behind(place: Here) -> Iterator[None]:
    """Within the block it is said in one line that another rank has gone, where this one cannot go on without it."""
    try:
        yield
    except RuntimeError as error:
        gone = isinstance(error, torch.distributed.DistBackendError) or any(text in str(error) for text in GONE)
        if place.world == 1 or not gone:
            raise
        raise RunStopped(f"rank {place.rank}: another process of this training has ended") from None


def shard(learner: nn.Module, model: nn.Module, dtype: torch.dtype, place: Here) -> None:
    """Leave each rank its part of every block's parameters, gathered block by block when they are needed."""
    if place.world == 1:
        return
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    policy = MixedPrecisionPolicy(
        param_dtype=dtype if dtype != torch.float32 else None,
        reduce_dtype=torch.float32,
        cast_forward_inputs=False,
    )
    mesh = init_device_mesh(place.device.type, (place.world,))
    for block in layers(model):
        fully_shard(block, mesh=mesh, mp_policy=policy)
    fully_shard(learner, mesh=mesh, mp_policy=policy)


def summed(value: Tensor, place: Here) -> Tensor:
    """The sum over all ranks."""
    if place.world > 1:
        torch.distributed.all_reduce(value)
    return value


def agreed(flag: bool, place: Here) -> bool:
    """Whether any rank says so."""
    if place.world == 1:
        return flag
    return bool(summed(torch.tensor(int(flag), device=place.device), place).item())


def whole_norm(norm: Tensor) -> Tensor:
    """A norm that may be spread over ranks, as one number."""
    return norm.full_tensor() if hasattr(norm, "full_tensor") else norm


def gathered(learner: nn.Module, model: nn.Module, place: Here) -> Mapping[str, Tensor] | None:
    """The model's weights by name, whole, on the first rank; None alone. Every rank has to call it.

    A matrix that stands under two names is gathered once, and is one tensor afterwards too.
    """
    if place.world == 1:
        return None
    _sharded(learner, place)
    same = {name: id(value) for name, value in model.named_parameters(remove_duplicate=False)}
    whole: dict[int, Tensor] = {}
    held: dict[str, Tensor] = {}
    for name, value in model.state_dict().items():
        key = same.get(name, id(value))
        if key not in whole:
            whole[key] = _whole(value, place)
        held[name] = whole[key]
    return held if place.first else {}


def optimizer_state(learner: nn.Module, optimizer: torch.optim.Optimizer, place: Here) -> dict[str, Any]:
    """The moments by the parameters' names, whole on the first rank, so that any number of ranks can go on from them.

    Every rank has to call it.
    """
    _sharded(learner, place)
    return {
        name: {key: _whole(value, place) for key, value in optimizer.state[parameter].items()}
        for name, parameter in learner.named_parameters()
        if parameter in optimizer.state
    }


def restore_optimizer(learner: nn.Module, optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Give the optimiser the moments that `optimizer_state` gave; each rank takes its part."""
    for name, parameter in learner.named_parameters():
        if name in state:
            optimizer.state[parameter] = {key: _part(value, parameter) for key, value in state[name].items()}


def _sharded(learner: nn.Module, place: Here) -> None:
    """Leave only this rank's parts: after a look without gradients the outermost ones are still whole."""
    if place.world == 1:
        return
    from torch.distributed.fsdp import FSDPModule

    for module in learner.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def _whole(value: Tensor, place: Here) -> Tensor:
    """The tensor put together, in the memory of the CPU; of no size on ranks that do not write it."""
    if hasattr(value, "full_tensor"):
        value = value.full_tensor()
    return value.detach().cpu() if place.first else torch.empty(0)


def _part(value: Tensor, parameter: Tensor) -> Tensor:
    """The tensor on the parameter's device, and as it is spread over ranks."""
    value = value.to(parameter.device)
    if not value.ndim or not hasattr(parameter, "placements"):
        return value
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(parameter, DTensor)
    return distribute_tensor(value, parameter.device_mesh, parameter.placements, src_data_rank=None)
