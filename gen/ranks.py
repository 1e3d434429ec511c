"""Which of several processes of one command speaks: torchrun starts one a device, and names them by variables."""

import os


def speaks() -> bool:
    """Whether this process tells people what all of them do."""
    alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
    return alone or os.environ.get("RANK", "0") == "0"
