"""What can be wrong with a training, or with any stage of a chain, looked at before a dialogue is read."""

from collections.abc import Sequence

from dialogue.errors import UsageError
from trainer.batches.sources import files
from trainer.loop.logs import check_wandb
from trainer.nets import adapters, base
from trainer.nets.kinds import check_length
from trainer.nets.names import resolve, tokenizer_place
from trainer.nets.unstated import config_at
from trainer.settings import LoraSettings, TrainSettings
from trainer.stages import roots
from trainer.text import tokenizer as tokenizers
from trainer.text.render import renderer
from trainer.text.template import OWN


def look_ahead(settings: TrainSettings, found: Sequence[TrainSettings]) -> None:
    """Raise UsageError for the first thing wrong with the stages `found` of the settings; of a chain it names which."""
    for number, (stage, root) in enumerate(zip(found, roots(found), strict=True)):
        try:
            _look(stage, root)
        except UsageError as error:
            if not settings.stages:
                raise
            raise UsageError(f"stages.{settings.stages[number]['name']}: {error}") from None


def _look(stage: TrainSettings, root: str | None) -> None:
    """The model of a stage that an earlier one makes is known by the `root` that it is made from."""
    files(stage.data)
    check_wandb(stage)
    if root is not None and root == stage.model:
        check_length(config_at(resolve(root), stage), stage)
    if root is not None and (root == stage.model or stage.template != OWN):
        renderer(tokenizers.load(tokenizer_place(root), stage.template).tokenizer, stage)
    if stage.lora is not None:
        _look_at_adapter(stage.model_copy(update={"model": root}), stage.lora)


def _look_at_adapter(stage: TrainSettings, lora: LoraSettings) -> None:
    if lora.bits is not None:
        adapters.quantised(lora.bits)
    if lora.targets != "all-linear":
        base.skeleton(stage, stage.scratch.vocabulary if stage.model is None else 0)
