"""Whether a training is still one: a loss or a gradient that is no number leaves weights that are none either."""

import math

import torch
from torch import Tensor, nn

from dialogue.errors import RunStopped
from trainer.loop import parallel
from trainer.loop.parallel import Here
from trainer.settings import TrainSettings


class Sound:
    """Sees every step, and says of it only when asked: to look at a number stops a GPU."""

    def __init__(self, settings: TrainSettings, here: Here) -> None:
        self._settings, self._here = settings, here
        self._first = torch.zeros((), dtype=torch.int64, device=here.device)
        """The first step whose loss or gradient was no number; 0: none."""

    def saw(self, step: int, loss: Tensor, norm: Tensor) -> None:
        """A step's loss, and the norm of its gradient."""
        lost = (self._first == 0) & ~(torch.isfinite(loss) & torch.isfinite(norm))
        self._first = torch.where(lost, step, self._first)

    def check(self, learner: nn.Module | None = None) -> None:
        """RunStopped where a step was none, or where the weights of the learner are; every rank has to ask."""
        first = int(self._first)
        if parallel.agreed(first > 0, self._here):
            where = f"step {first:,}" if first else "another process"
            raise self._stopped(f"{where}: the loss or its gradient is no number")
        if learner is not None and parallel.agreed(not _finite(learner), self._here):
            raise self._stopped("the weights are no numbers any more")

    def check_loss(self, step: int, name: str, loss: float) -> None:
        """RunStopped for a loss, the same on every rank, that is no number."""
        if not math.isfinite(loss):
            raise self._stopped(f"step {step:,}: the {name} is {loss}")

    def _stopped(self, what: str) -> RunStopped:
        settings = self._settings
        return RunStopped(
            f"{what}; what was saved before holds none of it; try a lower lr (now {settings.lr}) or a longer warm-up, "
            f"in another folder than {settings.out}"
        )


def _finite(learner: nn.Module) -> bool:
    """Whether all that is trained, of this rank's part, is numbers."""
    parts = (getattr(one, "_local_tensor", one).detach() for one in learner.parameters() if one.requires_grad)
    return bool(torch.stack([torch.isfinite(part).all() for part in parts]).all())
