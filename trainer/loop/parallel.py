"""Ranks: one process a device, started by torchrun, each holding its part of the model (FSDP2).

Alone, everything here does nothing. Each rank computes its share of a step's micro-batches; the sum of gradients over
all ranks is what one process would have computed, since losses are divided by the step's global weight.
"""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from trainer.loop.layers import layers


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
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Here(rank, world, device)


def left(place: Here) -> None:
    """Part from the others, at the end."""
    if place.world > 1 and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def wait(place: Here) -> None:
    """Until all are here."""
    if place.world > 1:
        torch.distributed.barrier()


def shard(learner: nn.Module, model: nn.Module, dtype: torch.dtype, place: Here) -> None:
    """Leave each rank its part of every block's parameters, gathered block by block when they are needed."""
    if place.world == 1:
        return
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    policy = MixedPrecisionPolicy(
        param_dtype=dtype if dtype != torch.float32 else None,
        reduce_dtype=torch.float32,
        cast_forward_inputs=False,
    )
    for block in layers(model):
        fully_shard(block, mp_policy=policy)
    fully_shard(learner, mp_policy=policy)


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


def gathered(model: nn.Module, place: Here) -> Mapping[str, Tensor] | None:
    """All weights by name on the first rank; None alone. Every rank has to call it."""
    if place.world == 1:
        return None
    from torch.distributed.checkpoint.state_dict import get_model_state_dict

    return {
        name: value for name, value in get_model_state_dict(model, options=_whole()).items() if torch.is_tensor(value)
    }


def optimizer_state(model: nn.Module, optimizer: torch.optim.Optimizer, place: Here) -> dict[str, Any]:
    """The optimiser's state, whole on the first rank. Every rank has to call it."""
    if place.world == 1:
        return optimizer.state_dict()
    from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict

    return dict(get_optimizer_state_dict(model, optimizer, options=_whole()))


def restore_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Any], place: Here) -> None:
    """Give the optimiser a state that `optimizer_state` gave."""
    if place.world == 1:
        optimizer.load_state_dict(state)
        return
    from torch.distributed.checkpoint.state_dict import set_optimizer_state_dict

    set_optimizer_state_dict(model, optimizer, state, options=_whole())


def _whole() -> Any:
    from torch.distributed.checkpoint.state_dict import StateDictOptions

    return StateDictOptions(full_state_dict=True, cpu_offload=True)
