"""Out of memory, said so that one knows what to change."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from dialogue.errors import RunStopped
from trainer.settings import TrainSettings


@contextmanager
def within_memory(settings: TrainSettings, device: torch.device) -> Iterator[None]:
    """RunStopped, with the batch, the longest example and the mend, where the device has not the memory for a step."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise RunStopped(_advice(settings, device)) from None
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "can't allocate memory" not in str(error):
            raise
        raise RunStopped(_advice(settings, device)) from None


def _advice(settings: TrainSettings, device: torch.device) -> str:
    held = ""
    if device.type == "cuda":
        free, whole = torch.cuda.mem_get_info(device)
        held = f" ({(whole - free) / 2**30:.1f} of {whole / 2**30:.1f} GiB in use)"
    less = max(settings.max_length, settings.micro_tokens // 2)
    mends = []
    if less < settings.micro_tokens:
        mends.append(f"--micro-tokens {less} (the same steps in smaller pieces)")
    elif settings.max_length > 256:
        half = settings.max_length // 2
        mends.append(f"--max-length {half} --micro-tokens {half} (longer dialogues are then split)")
    if not settings.gradient_checkpointing:
        mends.append("--gradient-checkpointing (a third slower)")
    if settings.lora is None and settings.model is not None:
        mends.append("an adapter instead of all weights: [train.lora]")
    return (
        f"out of memory on {device}{held}: {settings.micro_tokens:,} tokens at once, the longest example may have "
        f"{settings.max_length:,}; try {', or '.join(mends) or 'a smaller model'}. "
        "The same command then goes on from the last checkpoint"
    )
