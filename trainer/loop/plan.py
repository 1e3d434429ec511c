"""What a training would take: parameters, steps, memory by part, hours; whether it fits, and what would."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import torch

from dialogue.records import Record
from trainer.batches.sources import read_by, told
from trainer.loop.ahead import look_ahead
from trainer.loop.course import course, notes, sizes_of, stepped
from trainer.loop.desk import read_data
from trainer.loop.devices import Device, device_here
from trainer.loop.needs import Memory, Needs, needs_of
from trainer.loop.parallel import Here
from trainer.nets import adapters, base
from trainer.nets.flops import shape_of
from trainer.nets.kinds import check_length
from trainer.nets.unstated import by_model
from trainer.settings import LoraSettings, TrainSettings
from trainer.stages import roots, stages

TRIED_LORA = LoraSettings(r=16, alpha=32)
TRIED_BITS = 4
DEVICES = (2, 4, 8, 16)
FEWEST_TOKENS = 256
"""No shorter examples are proposed."""


class Parameters(Record):
    """Numbers of weights."""

    trained: int
    all: int


class Plan(Record):
    """What a training would take."""

    name: str | None = None
    """Of the stage."""
    parameters: Parameters
    dialogues: int
    examples: int
    """To learn from; those held out are not among them."""
    held_out: int
    """Examples."""
    tokens: int
    """Of the examples, once."""
    taught: float
    """Share of the tokens that is taught."""
    epochs: float
    steps: int
    tokens_a_step: int
    micro_tokens: int
    """Tokens that go through the network at once."""
    gradient_checkpointing: bool
    flops: float
    """Of all steps: no padding, nothing computed twice."""
    hours: float
    """Of the steps alone: evaluations and checkpoints are not in it."""
    utilisation: float
    """The share of the device's `flops_per_s` that `hours` takes as reached."""
    device: str
    gpu: bool
    flops_per_s: float
    peak: str
    """Where `flops_per_s` is from."""
    device_memory_gib: float | None
    """Of a GPU all, of a CPU what is free; None: unknown."""
    memory_gib: Memory
    verdict: Literal["fits", "does not fit", "unknown"]
    try_instead: tuple[str, ...] = ()
    """Settings that do fit, as flags of `gen train`, where these do not."""
    notes: tuple[str, ...] = ()
    """What one may not have meant."""


def plans(
    settings: TrainSettings, said: Callable[[str], None], *, device_memory_gib: float | None = None
) -> list[Plan]:
    """The plan of each stage, or of the one training; a stage is planned on the model that its chain starts from."""
    made: list[Plan] = []
    settings = by_model(settings, said)
    found = stages(settings)
    look_ahead(settings, found, here=device_memory_gib is None)
    for number, (stage, root) in enumerate(zip(found, roots(found), strict=True)):
        one = plan(stage.model_copy(update={"model": root}), device_memory_gib=device_memory_gib)
        name = settings.stages[number]["name"] if settings.stages else None
        made.append(one.model_copy(update={"name": name}))
    return made


def plan(settings: TrainSettings, *, device_memory_gib: float | None = None) -> Plan:
    """The plan of one training, without stages. Nothing is written but to a temporary folder, which is gone again.

    `device_memory_gib` plans for a GPU of so much memory, whether it is here or not. Raises UsageError as the training
    would.
    """
    device = device_here(device_memory_gib)
    found = read_by(settings)
    with tempfile.TemporaryDirectory(prefix="gen-plan-") as folder:
        beside = settings.model_copy(update={"out": Path(folder)})
        ready, _, store = read_data(beside, found, Here(0, 1, torch.device("cpu")))
        lengths, audit, held_out = store.lengths[store.learned], store.audit, len(store.held)
        lost = store.lost()
        del store  # its files are mapped
    asked, settings = settings, stepped(settings, lengths, device.gpu)
    way = course(lengths, sizes_of(settings, device.gpu), settings)
    epochs = way.epoch_at(way.total)
    rows = len(ready.tokenizer)
    model = base.skeleton(settings, rows)
    check_length(model.config, settings)
    counted = adapters.counts(model)
    tokens, squares = int(lengths.sum()), int((lengths * lengths).sum())
    flops = epochs * shape_of(model).flops(tokens, squares, round(tokens * audit.share))
    needs = needs_of(model, settings, gpu=device.gpu, taught=audit.share)
    memory = needs.memory(settings.micro_tokens, recomputed=settings.gradient_checkpointing)
    fits = None if device.usable_gib is None else memory.total <= device.usable_gib
    return Plan(
        parameters=Parameters(trained=counted.trained, all=counted.all),
        dialogues=audit.dialogues,
        examples=len(lengths),
        held_out=held_out,
        tokens=tokens,
        taught=round(audit.share, 4),
        epochs=round(epochs, 4),
        steps=way.total,
        tokens_a_step=round(tokens * epochs / way.total),
        micro_tokens=settings.micro_tokens,
        gradient_checkpointing=settings.gradient_checkpointing,
        flops=flops,
        hours=flops / (device.flops_per_s * device.utilisation) / 3600,
        utilisation=device.utilisation,
        device=device.name,
        gpu=device.gpu,
        flops_per_s=device.flops_per_s,
        peak=device.peak,
        device_memory_gib=device.memory_gib,
        memory_gib=memory,
        notes=(*told(found), *lost, *_small(asked, settings), *notes(settings, way, held_out)),
        verdict="unknown" if fits is None else "fits" if fits else "does not fit",
        try_instead=() if fits in (None, True) else tuple(_tries(settings, needs, device, rows)),
    )


def _small(asked: TrainSettings, settings: TrainSettings) -> Iterator[str]:
    if settings.batch != asked.batch:
        yield f"batch = {settings.batch}: small data; state --batch or batch_tokens to have another"


def _tries(settings: TrainSettings, needs: Needs, device: Device, rows: int) -> list[str]:
    """Settings that fit, nearest to what was asked for first: the first kind of change that helps, all its ways."""
    found = list(_smaller(settings, needs, device))
    if not found and settings.model is not None and settings.lora is None:
        changed = settings.model_copy(update={"lora": TRIED_LORA})
        less = needs_of(base.skeleton(changed, rows), changed, gpu=device.gpu, taught=needs.taught)
        flags = f"--set lora.r={TRIED_LORA.r} --set lora.alpha={TRIED_LORA.alpha:g}"
        found = [f"{flags} {more}".strip() for more in _smaller(changed, less, device, as_it_is=True)][:1]
    if not found and device.gpu and settings.model is not None:
        found = list(_quantised(settings, needs, device, rows))
    if not found:
        found = list(_shorter(settings, needs, device))
    if not found and device.gpu:
        found = list(_several(settings, needs, device))
    return found or ["a smaller model"]


def _quantised(settings: TrainSettings, needs: Needs, device: Device, rows: int) -> Iterator[str]:
    """The base in 4 bits under an adapter, that of the settings where they have one."""
    lora = settings.lora or TRIED_LORA
    if lora.bits is not None:
        return
    changed = settings.model_copy(update={"lora": lora.model_copy(update={"bits": TRIED_BITS})})
    less = needs_of(base.skeleton(changed, rows), changed, gpu=True, taught=needs.taught)
    new = "" if settings.lora else f"--set lora.r={lora.r} --set lora.alpha={lora.alpha:g} "
    for more in list(_smaller(changed, less, device, as_it_is=True))[:1]:
        yield f"{new}--set lora.bits={TRIED_BITS} {more}".strip()


def _fits(needs: Needs, device: Device, tokens: int, recomputed: bool, devices: int = 1) -> bool:
    assert device.usable_gib is not None
    return needs.memory(tokens, recomputed=recomputed, devices=devices).total <= device.usable_gib


def _smaller(settings: TrainSettings, needs: Needs, device: Device, *, as_it_is: bool = False) -> Iterator[str]:
    """Less at once, or blocks computed again; both where neither is enough."""
    asked, checkpointing = settings.micro_tokens, settings.gradient_checkpointing
    if as_it_is and _fits(needs, device, asked, checkpointing):
        yield ""
        return
    less = _largest(settings, needs, device, checkpointing)
    if less is not None:
        yield f"--micro-tokens {less}"
    if checkpointing:
        return
    if _fits(needs, device, asked, True):
        yield "--gradient-checkpointing"
    elif less is None and (both := _largest(settings, needs, device, True)) is not None:
        yield f"--micro-tokens {both} --gradient-checkpointing"


def _largest(settings: TrainSettings, needs: Needs, device: Device, recomputed: bool) -> int | None:
    """The most tokens at once that fit, of halves of what was asked for."""
    tokens = settings.micro_tokens
    while tokens > settings.max_length:
        tokens = max(settings.max_length, tokens // 2)
        if _fits(needs, device, tokens, recomputed):
            return tokens
    return None


def _shorter(settings: TrainSettings, needs: Needs, device: Device) -> Iterator[str]:
    """Shorter examples, longer dialogues being split."""
    tokens = settings.max_length // 2
    while tokens >= FEWEST_TOKENS:
        if _fits(needs, device, tokens, True):
            yield f"--max-length {tokens} --micro-tokens {tokens} --gradient-checkpointing"
            return
        tokens //= 2


def _several(settings: TrainSettings, needs: Needs, device: Device) -> Iterator[str]:
    """Several devices, among which weights, gradients and moments are shared."""
    for devices in DEVICES:
        if _fits(needs, device, settings.max_length, True, devices):
            yield (
                f"{devices} such GPUs (torchrun --nproc-per-node {devices} -m gen.main train ...) with "
                f"--micro-tokens {settings.max_length} --gradient-checkpointing"
            )
            return
