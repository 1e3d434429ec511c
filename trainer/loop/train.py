"""The loop: learning rate, micro-batches, clip, step; then look, and save.

Everything that a step depends on is a function of its number: the examples, the learning rate, the random numbers of
dropout. So a training that was killed and goes on from its last checkpoint ends in the same weights, on a CPU bit for
bit. The loss of a step is the sum over its taught tokens divided by what they count together, over all micro-batches
and ranks: a token counts the same in a long answer and a short one.
"""

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dialogue.chance import hash64
from dialogue.disk import saved_is
from dialogue.errors import UsageError
from dialogue.lock import take_folder
from trainer.batches.sources import Source, read_by
from trainer.loop import checkpoint, ending, parallel
from trainer.loop.auto_batch import sized
from trainer.loop.desk import Desk, lay
from trainer.loop.feed import Ready, fed
from trainer.loop.logs import Log
from trainer.loop.memory import within_memory
from trainer.loop.request import begun, claim, fresh, missing
from trainer.loop.schedule import lr_at
from trainer.loop.sound import Sound
from trainer.loop.speed import Speed
from trainer.loop.validate import eval_loss, samples
from trainer.loop.warm import warmed
from trainer.loop.wish import Wish
from trainer.nets import flash4
from trainer.nets.unstated import chosen
from trainer.settings import TrainSettings

Seen = Callable[[str, int, int, str], None]
"""Hears a stage, how much of it is done, of how much (1: nobody can say), and what else is to be told."""


def train(
    settings: TrainSettings, said: Callable[[str], None], seen: Seen | None = None, *, auto_batch: bool = False
) -> dict[str, Any]:
    """Train, or go on with a training; returns the summary that also lies in `summary.json`.

    `said` hears lines for people, those of the steps too where there is no `seen`. With `auto_batch` the largest
    `micro_tokens` that the device can bear take the place of the settings' own. Raises UsageError for wrong data or
    another request in the folder, RunStopped where memory or disk end it, KeyboardInterrupt after an interrupt, with a
    checkpoint written.
    """
    found = read_by(settings)
    place = parallel.here()
    new = missing(settings.out)
    with ExitStack() as taken, parallel.left_behind(place), saved_is(lambda: _unsaved(settings.out)):
        done = False
        with parallel.together(place):
            if place.first:
                taken.callback(take_folder(settings.out).release)
                taken.enter_context(fresh(settings.out, new))
            if auto_batch:
                settings = sized(settings, place, said)
            if place.first:
                claim(settings, found)
                done = ending.finished(settings.out) is not None
        if parallel.agreed(done, place):
            if place.first:
                said(f"{settings.out}: done already; for another training name another --out")
            return ending.finished(settings.out) or {}
        return _train(settings, found, place, said if place.first else lambda _line: None, seen)


def _unsaved(out: Path) -> str | None:
    return None if begun(out) else f"no checkpoint of {out} is saved yet"


def _train(
    settings: TrainSettings, found: list[Source], place: parallel.Here, said: Callable[[str], None], seen: Seen | None
) -> dict[str, Any]:
    for line in chosen(settings):
        said(line)
    desk = lay(settings, found, place, said)
    with Log(settings, said) as log, Wish() as wish:
        learn(desk, log, wish, said, seen if place.first else None)
    return ending.finish(desk, found, said)


def learn(desk: Desk, log: Log, wish: Wish, said: Callable[[str], None], seen: Seen | None = None) -> None:
    """All steps that are left."""
    settings, here, standing, total = desk.settings, desk.here, desk.standing, desk.course.total
    if standing.step < total:
        _compile(desk, said)
    speed, sound, more = Speed(desk.shape, here), Sound(settings, here), ""
    steps = fed(desk)
    for number in range(standing.step, total):
        step = next(steps)
        lr = lr_at(settings, number, total)
        for group in desk.optimizer.param_groups:
            group["lr"] = lr
        torch.manual_seed(hash64(settings.seed, "step", number, here.rank) >> 1)
        with within_memory(settings, here.device):
            loss, norm = _one(desk, step, speed)
        standing.step += 1
        sound.saw(standing.step, loss, norm)
        standing.useful_tokens += step.useful
        last = standing.step == total
        if last or standing.step % settings.log_every == 0:
            entry = {"step": standing.step, "of": total, "epoch": round(desk.course.epoch_at(standing.step), 4)}
            entry |= {"loss": float(parallel.summed(loss, here)), "lr": lr, "grad_norm": float(norm)}
            more = _tell(entry | speed.since_last(), log, here, said if seen is None else None)
            sound.check()
        if seen is not None:
            seen("training", standing.step, total, more)
        if len(desk.held.places) and (last or standing.step % settings.eval_every == 0):
            _look(desk, log, said)
            sound.check_loss(standing.step, "loss on what was held out", standing.eval_loss or 0.0)
            speed.pause()
        stopped = parallel.agreed(wish.made, here)
        if last or stopped or standing.step % settings.save_every == 0:
            sound.check(desk.learner)
            _save(desk)
            speed.pause()
        if stopped and not last:
            said(f"interrupted after step {standing.step:,}; it is saved, the same command goes on")
            raise KeyboardInterrupt


def _compile(desk: Desk, said: Callable[[str], None]) -> None:
    """Compile now what the steps would, so that their rates are theirs."""
    sizes, device = desk.course.sizes, desk.here.device
    by_flash4 = device.type == "cuda" and flash4.serves()
    if sizes.batches == "pack" and (desk.settings.compile or by_flash4):
        with within_memory(desk.settings, device):
            shortest = int(desk.store.lengths.min())
            seconds = warmed(desk.learner, device, desk.course.fixed, sizes.micro_tokens, shortest)
        said(f"compiled before the first step, in {seconds:,.0f} s")


def _one(desk: Desk, step: Ready, speed: Speed) -> tuple[Tensor, Tensor]:
    """One step of the optimiser; this rank's part of the mean loss, and the norm of the gradient."""
    lost = torch.zeros((), device=desk.here.device)
    for _ in range(step.micro_batches):
        batch = next(step.batches)
        # Sharded gradients are averaged over ranks; the factor makes them sums.
        with within_memory(desk.settings, desk.here.device, batch):
            loss = desk.learner(batch) * (desk.here.world / step.weight)
            loss.backward()
        lost += loss.detach() / desk.here.world
        speed.saw(batch)
    limit = desk.settings.clip if desk.settings.clip is not None else float("inf")
    norm = torch.nn.utils.clip_grad_norm_(desk.learner.parameters(), limit)
    desk.optimizer.step()
    desk.optimizer.zero_grad(set_to_none=True)
    return lost, parallel.whole_norm(norm)


def _tell(entry: dict[str, Any], log: Log, here: parallel.Here, said: Callable[[str], None] | None) -> str:
    """Write the entry, and say it; what it says but for the step."""
    if not here.first:
        return ""
    log.write(entry)
    more = (
        f"loss {entry['loss']:.4f}  lr {entry['lr']:.2e}  |g| {entry['grad_norm']:.2f}  "
        f"{entry['tokens_per_s']:,.0f} useful tokens/s" + (f"  MFU {entry['mfu']:.1%}" if entry.get("mfu") else "")
    )
    if said is not None:
        said(f"step {entry['step']:,}/{entry['of']:,}  {more}")
    return more


def _look(desk: Desk, log: Log, said: Callable[[str], None]) -> None:
    """The loss on what was held out, and some replies."""
    standing = desk.standing
    fixed = desk.course.fixed
    standing.eval_step = standing.step
    standing.eval_loss = eval_loss(desk.learner, desk.held, desk.course.sizes, desk.pad_id, desk.here, fixed)
    if not desk.here.first:
        return
    entry: dict[str, Any] = {"step": standing.step, "eval_loss": standing.eval_loss}
    if desk.settings.samples and desk.here.world == 1:
        entry["samples"] = _samples(desk, said)
    log.write(entry)
    said(f"step {standing.step:,}  eval loss {standing.eval_loss:.4f}")


def _samples(desk: Desk, said: Callable[[str], None]) -> list[dict[str, str]]:
    """Some replies beside those that were held out; none of a family that is taught and cannot be asked."""
    try:
        found = samples(desk.model, desk.renderer, desk.store.held_dialogues(), desk.settings.samples)
    except UsageError as error:
        said(f"no samples: {error}")
        return []
    return [
        {"id": one.id, "reply": one.reply, "wanted": one.wanted, "finish_reason": one.finish_reason} for one in found
    ]


def _save(desk: Desk) -> None:
    """A checkpoint of this step; the best one is remembered among those that were looked at at the same step."""
    settings, here, standing = desk.settings, desk.here, desk.standing
    loss = standing.eval_loss if standing.eval_step == standing.step else None
    standing.looks += loss is not None
    if loss is not None and loss < (math.inf if standing.best_loss is None else standing.best_loss):
        standing.best_loss, standing.best_step = loss, standing.step
    weights = parallel.gathered(desk.learner, desk.model, here)
    optim = parallel.optimizer_state(desk.learner, desk.optimizer, here)
    if here.first:
        state = checkpoint.State(standing.step, optim, asdict(standing), checkpoint.random_now())
        folder = checkpoint.step_folder(settings.out, standing.step)
        speech = desk.renderer
        checkpoint.save(folder, desk.model, speech.tokenizer, speech, settings, "", state, weights=weights)
        checkpoint.prune(settings.out, settings.keep, standing.best_step)
    parallel.wait(here)
