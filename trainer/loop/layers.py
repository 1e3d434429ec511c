"""The blocks of a transformer."""

from torch import nn


def layers(model: nn.Module) -> list[nn.Module]:
    """The longest list of modules of one kind; empty where there is none."""
    lists = [list(part) for part in model.modules() if isinstance(part, nn.ModuleList)]
    return max((one for one in lists if len({type(part) for part in one}) == 1), key=len, default=[])
