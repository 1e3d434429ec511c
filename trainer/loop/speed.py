"""Useful tokens a second and the honest share of the device's peak, since they were last asked for."""

import time
from typing import Any

import torch

from trainer.batches.collate import Batch
from trainer.loop.parallel import Here, summed
from trainer.nets.flops import H200_BF16_FLOPS, Shape

PEAKS = {"H100": H200_BF16_FLOPS, "H200": H200_BF16_FLOPS, "A100": 312e12, "L40S": 362e12, "B200": 2250e12}
"""Dense bfloat16 FLOP/s by data sheet, by a part of the device's name."""


class Speed:
    """Counts what this rank does; tells of all ranks."""

    def __init__(self, shape: Shape, here: Here) -> None:
        self._shape = shape
        self._here = here
        name = torch.cuda.get_device_name(here.device) if here.device.type == "cuda" else ""
        self._peak = next((peak for part, peak in PEAKS.items() if part in name), None)
        self._clear()

    def _clear(self) -> None:
        self._tokens, self._flops, self._places, self._began = 0, 0.0, 0, time.monotonic()

    def saw(self, batch: Batch) -> None:
        """A micro-batch was learned from."""
        self._tokens += batch.useful
        self._places += batch.input_ids.numel()
        self._flops += self._shape.flops(batch.useful, batch.squares, len(batch.targets))

    def pause(self) -> None:
        """Looking and saving are no training: begin anew."""
        self._clear()

    def since_last(self) -> dict[str, Any]:
        """tokens_per_s, padding (share of places), tflops_per_s, and mfu where the device's peak is known."""
        seconds = max(1e-9, time.monotonic() - self._began)
        counts = torch.tensor([self._tokens, self._places, self._flops], dtype=torch.float64)
        tokens, places, flops = summed(counts.to(self._here.device), self._here).tolist()
        rate = flops / seconds
        mfu = None if self._peak is None else rate / (self._peak * self._here.world)
        self._clear()
        return {
            "tokens_per_s": tokens / seconds,
            "padding": round(1 - tokens / places, 4) if places else 0.0,
            "tflops_per_s": rate / 1e12,
            "mfu": mfu,
        }
