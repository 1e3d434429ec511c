"""Which of several processes of one command speaks: torchrun starts one a device, and names them by variables."""

import os
import sys


def speaks() -> bool:
    """Whether this process tells people what all of them do."""
    alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
    return alone or os.environ.get("RANK", "0") == "0"


def leave(status: int) -> int:
    """The status, with which a process that belongs to a group of several ends here and now."""
    torch_distributed = sys.modules.get("torch.distributed")
    if torch_distributed is not None and torch_distributed.is_available() and torch_distributed.is_initialized():
        from trainer.loop.parallel import leave as part

        part(status)
    return status
