"""The blocks of a transformer, and the norm behind them."""

from torch import nn

from trainer.nets.foreign import Model


def layers(model: nn.Module) -> list[nn.Module]:
    """The longest list of modules of one kind; empty where there is none."""
    lists = [list(part) for part in model.modules() if isinstance(part, nn.ModuleList)]
    return max((one for one in lists if len({type(part) for part in one}) == 1), key=len, default=[])


def last_norms(model: Model) -> list[nn.Module]:
    """What stands beside the blocks and has vectors alone for parameters: the norm of what the last block makes."""
    found = []
    for part in model.base_model.children():
        vectors = [parameter.ndim == 1 for parameter in part.parameters()]
        if vectors and all(vectors):
            found.append(part)
    return found
