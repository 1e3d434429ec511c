"""Micro-batches made and copied to the device while the one before is computed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import torch

from trainer.batches.collate import Batch


def ahead(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """The batches on the device, one made ahead in a thread; an error of the making comes out in its place."""

    def make() -> Batch | None:
        batch = next(batches, None)
        return batch if batch is None or device.type == "cpu" else batch.pinned()

    with ThreadPoolExecutor(1, "batches") as thread:
        coming = thread.submit(make)
        while (batch := coming.result()) is not None:
            coming = thread.submit(make)
            yield batch.to(device)
