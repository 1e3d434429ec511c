"""Out of memory, said so that one knows what to change."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from dialogue.errors import RunStopped
from trainer.batches.collate import Batch
from trainer.settings import TrainSettings


@contextmanager
def within_memory(settings: TrainSettings, device: torch.device, batch: Batch | None = None) -> Iterator[None]:
    """RunStopped, with the batch, the longest example and the mend, where the device has not the memory for it."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise RunStopped(advice(settings, device, batch)) from None
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "can't allocate memory" not in str(error):
            raise
        raise RunStopped(advice(settings, device, batch)) from None


def advice(settings: TrainSettings, device: torch.device, batch: Batch | None = None) -> str:
    """What was too much, and what to change."""
    held = ""
    if device.type == "cuda":
        free, whole = torch.cuda.mem_get_info(device)
        held = f" ({(whole - free) / 2**30:.1f} of {whole / 2**30:.1f} GiB in use)"
    less = max(settings.max_length, settings.micro_tokens // 2)
    mends = []
    if not settings.gradient_checkpointing:
        mends.append("the same with --gradient-checkpointing (a third slower; it goes on where it was)")
    if less < settings.micro_tokens:
        mends.append(f"--micro-tokens {less} (smaller pieces; another --out)")
    elif settings.max_length > 256:
        half = settings.max_length // 2
        mends.append(f"--max-length {half} --micro-tokens {half} (longer dialogues are split; another --out)")
    if settings.lora is None and settings.model is not None:
        mends.append("an adapter instead of all weights: --set lora.r=16 --set lora.alpha=32")
    return (
        f"out of memory on {device}{held}: {_told(settings, batch)}; "
        f"try {', or '.join(mends) or 'a smaller model'}; --plan tells what would fit"
    )


def _told(settings: TrainSettings, batch: Batch | None) -> str:
    """The micro-batch, or what one may be."""
    if batch is None:
        return f"{settings.micro_tokens:,} tokens at once, the longest example may have {settings.max_length:,}"
    documents = len(batch.input_ids)
    if batch.cu_seqlens is not None:
        documents = int((batch.cu_seqlens.cpu().diff() > 0).sum())
    places = batch.input_ids.numel()
    return f"a micro-batch of {documents:,} documents, {places:,} tokens at once, the longest of {batch.max_seqlen:,}"
