"""The device that a training would run on: its memory, and what it computes in a second."""

import os
import time
from pathlib import Path
from typing import NamedTuple

import torch

from trainer.loop.speed import PEAKS

GIB = 2**30
ASSUMED = "H100"
"""The GPU whose peak stands in for one that is not known."""
USABLE = 0.92
"""Share of a GPU's memory that a training can have: the driver takes some, and not every hole can be filled."""
GPU_UTILISATION = 0.40
CPU_UTILISATION = 0.35
"""Shares of the peak, and of a product measured here, that a training is taken to reach. The scratch-small recipe on
one core of a server reached 0.35 of its float32 products (11 of 32 GFLOP/s)."""


class Device(NamedTuple):
    """What a plan needs to know of it."""

    name: str
    gpu: bool
    memory_gib: float | None
    """Of a GPU all, of this machine what is free; None where nobody can say."""
    flops_per_s: float
    """A GPU's peak by data sheet in dense bfloat16, or what a product reaches here."""
    peak: str
    """Where that figure is from."""

    @property
    def usable_gib(self) -> float | None:
        """What a training can have."""
        if self.memory_gib is None or not self.gpu:
            return self.memory_gib
        return self.memory_gib * USABLE

    @property
    def utilisation(self) -> float:
        """The share of `flops_per_s` that is taken as reached."""
        return GPU_UTILISATION if self.gpu else CPU_UTILISATION


def device_here(memory_gib: float | None = None) -> Device:
    """The first GPU, or the CPU. With `memory_gib` a GPU of so much memory, one that is not here too."""
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name(0)
        whole = torch.cuda.get_device_properties(0).total_memory / GIB
        return _gpu(name, memory_gib or whole)
    if memory_gib is not None:
        return _gpu(f"a GPU of {memory_gib:g} GiB", memory_gib)
    rate = product_flops()
    free = free_bytes()
    return Device("CPU", False, None if free is None else free / GIB, rate, "a product of matrices measured here")


def _gpu(name: str, memory_gib: float) -> Device:
    known = next((part for part in PEAKS if part in name), None)
    peak = PEAKS[known or ASSUMED]
    source = "data sheet" if known else f"as on an {ASSUMED}, by its data sheet"
    return Device(name, True, memory_gib, peak, source)


def product_flops(size: int = 512, times: int = 8) -> float:
    """FLOP/s of a product of float32 matrices, the best of some."""
    one, other = torch.randn(size, size), torch.randn(size, size)
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        one @ other
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best


def free_bytes() -> int | None:
    """Memory that a process may still take, of the machine and of the container it lies in; None: unknown."""
    found = [part for part in (_of_machine(), _of_container()) if part is not None]
    return min(found, default=None)


def _of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        pass
    try:  # no Linux: what is built in, of which something is taken
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _of_container() -> int | None:
    folder = Path("/sys/fs/cgroup")
    try:
        return int((folder / "memory.max").read_text()) - int((folder / "memory.current").read_text())
    except (OSError, ValueError):  # none, or "max"
        return None
