"""The most tokens that go through the network at once on this very device, found by trying.

What is found is part of the request: it stands in `train.json`, and a training that goes on takes it from there.
"""

import gc
from collections.abc import Callable

import numpy as np
import torch

from dialogue.errors import RunStopped, UsageError
from trainer.batches.collate import Batch, collate
from trainer.loop.course import BATCH_TOKENS, sizes_of
from trainer.loop.devices import GIB, free_bytes
from trainer.loop.memory import advice
from trainer.loop.needs import needs_of
from trainer.loop.optim import optimizer
from trainer.loop.parallel import Here
from trainer.loop.ready import prepared
from trainer.loop.request import NAME, begun, read_request
from trainer.nets import base
from trainer.nets.names import tokenizer_place
from trainer.settings import TrainSettings
from trainer.text import tokenizer as tokenizers
from trainer.text.example import Example

GRAIN = 256
"""Tokens to which a packed row is found."""
KEPT = 15 / 16
"""Of what went through on a GPU: rows of other lengths leave holes in its memory."""


def sized(settings: TrainSettings, here: Here, said: Callable[[str], None]) -> TrainSettings:
    """The settings with the `micro_tokens` that the folder was given, or the largest that this device can bear.

    On a GPU a forward and a backward pass of the longest examples are tried, weights, gradients and moments beside
    them; on a CPU, where too much does not fail but starves the machine, half of the free memory is filled by the
    plan's estimate. UsageError with several ranks, RunStopped where not even one example goes through.
    """
    if (found := _of_folder(settings)) is not None:
        return settings.model_copy(update={"micro_tokens": found})
    if here.world > 1:
        raise UsageError(
            f"--auto-batch: tries one device, and {here.world} share the weights; give --micro-tokens (see --plan)"
        )
    most = max(settings.max_length, _step_tokens(settings))
    grain = _grain(settings, here.device)
    if here.device.type == "cuda":
        tried = search(Trial(settings, here.device).passes, settings.max_length, int(most / KEPT) + 1, grain)
        found = None if tried is None else int(tried * KEPT) // grain * grain
        said_of = "tried on this device"
    else:
        found = search(_estimated(settings), settings.max_length, most, grain)
        said_of = "half of the free memory, by estimate"
    if found is None:
        raise RunStopped(advice(settings.model_copy(update={"micro_tokens": settings.max_length}), here.device))
    found = min(most, max(settings.max_length, found))
    said(f"--auto-batch: {found:,} tokens at once ({said_of})")
    return settings.model_copy(update={"micro_tokens": found})


def search(passes: Callable[[int], bool], least: int, most: int, grain: int) -> int | None:
    """The largest number from `least` to `most` that passes, to a sixteenth or to `grain`; None: not even the least."""
    if not passes(least):
        return None
    good, bad = least, most + 1
    while good < most:
        tried = min(2 * good, most)
        if not passes(tried):
            bad = tried
            break
        good = tried
    while good < most and bad - good > max(grain, good // 16):
        middle = (good + bad) // 2
        rounded = middle // grain * grain
        middle = rounded if rounded > good else middle
        if passes(middle):
            good = middle
        else:
            bad = middle
    return good


class Trial:
    """A network without sense but of the right size, ready to learn."""

    def __init__(self, settings: TrainSettings, device: torch.device) -> None:
        """With gradients and moments in place, as they are from the second step on."""
        self._settings, self._device = settings, device
        model = base.skeleton(settings, rows_of(settings)).to_empty(device=device)
        for parameter in model.parameters():
            if not parameter.requires_grad and device.type == "cuda" and settings.dtype != "float32":
                parameter.data = parameter.data.bfloat16()
            parameter.data.zero_()
            parameter.grad = torch.zeros_like(parameter) if parameter.requires_grad else None
        self._learner = prepared(model, settings, device)
        self._moments = optimizer(self._learner, settings)
        self._moments.step()

    def passes(self, tokens: int) -> bool:
        """Whether so many tokens go forward and backward."""
        if self._settings.compile:
            torch._dynamo.reset()  # or the ninth size would run uncompiled
        try:
            self._learner(longest(self._settings, tokens, self._device)).backward()
            passed = True
        except torch.OutOfMemoryError:
            passed = False
        gc.collect()  # out here the error, and all that its frames hold, is gone
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        return passed


def longest(settings: TrainSettings, tokens: int, device: torch.device) -> Batch:
    """A micro-batch of so many tokens, of examples as long as they may be, every token taught."""
    length = settings.max_length
    lengths = [length] * (tokens // length)
    batches = sizes_of(settings, device.type == "cuda").batches
    if batches != "pack":
        return collate(tuple((place,) for place in range(len(lengths))), _Ones(lengths), 0).to(device)
    lengths += [tokens % length] * (tokens % length > 0)
    fixed = (tokens, length) if settings.compile else None
    return collate((tuple(range(len(lengths))),), _Ones(lengths), 0, fixed=fixed).to(device)


class _Ones:
    """Examples of one word."""

    def __init__(self, lengths: list[int]) -> None:
        self._lengths = lengths

    def __getitem__(self, place: int) -> Example:
        ones = np.ones(self._lengths[place], np.int32)
        return Example(str(place), ones, ones, ones.astype(np.float32))


def rows_of(settings: TrainSettings) -> int:
    """Words of the tokenizer."""
    if settings.model is None:
        return settings.scratch.vocabulary
    return len(tokenizers.load(tokenizer_place(settings.model), settings.template).tokenizer)


def _estimated(settings: TrainSettings) -> Callable[[int], bool]:
    """Whether so many tokens take half of the free memory at most; one example always may."""
    free = free_bytes()
    needs = needs_of(base.skeleton(settings, rows_of(settings)), settings, gpu=False, taught=1.0)

    def fits(tokens: int) -> bool:
        memory = needs.memory(tokens, recomputed=settings.gradient_checkpointing)
        return tokens <= settings.max_length or (free is not None and memory.total * GIB <= free / 2)

    return fits


def _of_folder(settings: TrainSettings) -> int | None:
    """What a training that has begun there goes through at once."""
    if not begun(settings.out):
        return None
    if not (settings.out / NAME).exists():
        return None
    found = read_request(settings.out)["asked"].get("micro_tokens")
    return found if isinstance(found, int) else None


def _step_tokens(settings: TrainSettings) -> int:
    """Tokens of a step: no more than these ever go through at once."""
    return settings.batch * settings.max_length if settings.batch else settings.batch_tokens or BATCH_TOKENS


def _grain(settings: TrainSettings, device: torch.device) -> int:
    packs = sizes_of(settings, device.type == "cuda").batches == "pack"
    return min(GRAIN, settings.max_length) if packs else settings.max_length
