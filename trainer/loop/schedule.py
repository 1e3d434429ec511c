"""Learning rates as pure functions of the step."""

import math

from trainer.settings import TrainSettings


def warmup_steps(settings: TrainSettings, total: int) -> int:
    """Steps of the linear warm-up."""
    return settings.warmup_steps or math.ceil(settings.warmup_ratio * total)


def lr_at(settings: TrainSettings, step: int, total: int) -> float:
    """The learning rate of a step (from 0) of so many.

    It climbs linearly over the warm-up, then follows the schedule towards `final_lr_ratio` of itself, which it would
    reach behind the last step: no step is taken at a rate of nothing.
    """
    warmup = warmup_steps(settings, total)
    if step < warmup:
        return settings.lr * (step + 1) / (warmup + 1)
    done = (step - warmup) / (total - warmup)
    return settings.lr * (settings.final_lr_ratio + (1 - settings.final_lr_ratio) * _left(settings, done))


def _left(settings: TrainSettings, done: float) -> float:
    """What the schedule leaves of the way down, from 1 to 0."""
    if settings.schedule == "constant":
        return 1.0
    if settings.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * done))
    if settings.schedule == "linear":
        return 1 - done
    flat = settings.flat_ratio
    return 1.0 if done <= flat else (1 - done) / (1 - flat)
