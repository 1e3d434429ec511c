"""A model tried out before it is trained: refused where it would learn wrong, grouped where it cannot be packed."""

from collections.abc import Callable

from dialogue.errors import UsageError
from trainer.loop import parallel
from trainer.loop.course import sizes_of
from trainer.loop.memory import within_memory
from trainer.loop.parallel import Here
from trainer.loop.ready import dtype_of, prepared
from trainer.nets import probe
from trainer.nets.foreign import Model
from trainer.nets.learner import Learner
from trainer.settings import TrainSettings


def tried(
    model: Model, settings: TrainSettings, here: Here, said: Callable[[str], None]
) -> tuple[TrainSettings, Learner]:
    """The model as a learner, and the settings, whose `batches` are grouped where nobody asked for others.

    UsageError for a model that cannot be taught, or not in packed rows though these are asked for.
    """
    with within_memory(settings, here.device):
        own = probe.own_loss(model, dtype_of(settings, here.device))
        learner = prepared(model, settings, here.device)
        probe.check(learner, own)
        packed = sizes_of(settings, here.device.type == "cuda").batches == "pack"
        mixed = parallel.agreed(packed and not probe.keeps_apart(learner), here)
    return (_grouped(settings, model.config.model_type, said) if mixed else settings), learner


def _grouped(settings: TrainSettings, kind: str, said: Callable[[str], None]) -> TrainSettings:
    """Packed rows in which documents see one another teach what nobody said."""
    why = f"documents in one row would see one another in the layers of {kind}"
    if settings.batches == "pack":
        raise UsageError(f'batches = pack: {why}; set batches = "group"')
    if settings.compile:
        raise UsageError(f"compile = true: goes with packed rows, and {why}; leave it out")
    said(f"batches = group: {why}")
    return settings.model_copy(update={"batches": "group"})
