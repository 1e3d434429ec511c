"""What can be wrong with a training, or with any stage of a chain, looked at before anything is learned."""

from collections.abc import Sequence
from itertools import islice

from dialogue.errors import UsageError
from trainer.batches.held_out import Known, Left
from trainer.batches.sources import Source, files, held_files, read_by, sides
from trainer.batches.store import TOGETHER, learned, named, nothing_held, rows, why
from trainer.loop.request import DATA
from trainer.loop.weights_biases import check_wandb
from trainer.nets import adapters, base
from trainer.nets.kinds import check_length
from trainer.nets.names import resolve, tokenizer_place
from trainer.nets.unstated import config_at
from trainer.settings import LoraSettings, TrainSettings
from trainer.stages import of_stage, roots
from trainer.text import tokenizer as tokenizers
from trainer.text.audit import Audit
from trainer.text.examples import examples_of
from trainer.text.render import Renderer, renderer
from trainer.text.speakers import check_template
from trainer.text.template import OWN


def look_ahead(settings: TrainSettings, found: Sequence[TrainSettings], *, here: bool = True) -> None:
    """Raise UsageError for the first thing wrong with the stages `found` of the settings; of a chain it names which.

    Where it is not to be trained `here`, packages that only the training needs may be missing.
    """
    for number, (stage, root) in enumerate(zip(found, roots(found), strict=True)):
        with of_stage(settings, number):
            _look(stage, root, found[:number], here)


def _look(stage: TrainSettings, root: str | None, before: Sequence[TrainSettings], here: bool) -> None:
    """The model of a stage that an earlier one makes is known by the `root` that it is made from."""
    files(stage.data)
    held_files(stage)
    check_wandb(stage)
    check_template(stage)
    if root is not None and root == stage.model:
        check_length(config_at(resolve(root), stage), stage)
    if root is not None and _is_there(stage, root, before):
        renderer(tokenizers.load(tokenizer_place(root), stage.template).tokenizer, stage)
    if stage.lora is not None:
        _look_at_adapter(stage.model_copy(update={"model": root}), stage.lora, here)


def read_ahead(settings: TrainSettings, found: Sequence[TrainSettings]) -> None:
    """UsageError where the data of a later stage cannot be read, or has nothing in it that could be learned.

    The first stage reads its own before its first step; one whose examples lie in its folder has read its already.
    What could be learned is asked of the first dialogues that the stage's template can write down with the tokenizer
    of the model that its chain starts from; of a model from scratch, or a template that is not there yet, it is not.
    """
    for number, (stage, root) in enumerate(zip(found, roots(found), strict=True)):
        if number and not (stage.out / DATA).is_dir():
            with of_stage(settings, number):
                _read(stage, root, found[:number])


def _is_there(stage: TrainSettings, root: str, before: Sequence[TrainSettings]) -> bool:
    """Whether the template can be had now: `own` of what is not made yet is the root's where all before keep theirs."""
    return root == stage.model or stage.template != OWN or all(one.template == OWN for one in before)


def _read(stage: TrainSettings, root: str | None, before: Sequence[TrainSettings]) -> None:
    found, known, speech = read_by(stage), Known(), None
    data, files = sides(found)
    if root is not None and _is_there(stage, root, before):
        speech = renderer(tokenizers.load(tokenizer_place(root), stage.template).tokenizer, stage)
    if files and not _look_through(stage, files, speech, known.meet, audit := Audit())[1]:
        raise nothing_held(files, audit)
    read, taught = _look_through(stage, data, speech, known.leave_out, audit := Audit())
    if not taught:
        raise UsageError(f"{named(data)}: nothing to learn from ({why(audit, data)})")
    if read <= stage.held_share:
        raise UsageError(
            f"{named(data)}: {read:,} dialogues, and validation = {stage.held_share:g} are held out; lower it"
        )


def _look_through(
    stage: TrainSettings, found: list[Source], speech: Renderer | None, left: Left, audit: Audit
) -> tuple[int, bool]:
    """Dialogues read of the files, and whether anything is taught in those that are `left` of them."""
    read, taught, coming = 0, False, rows(stage, found)
    while some := list(islice(coming, TOGETHER)):
        read += len(some)
        kept = left(some, audit)
        if kept and not taught:
            places, spoken = learned(stage, kept)
            taught = speech is None or any(examples_of(spoken, speech, stage, audit, places))
    return read, taught


def _look_at_adapter(stage: TrainSettings, lora: LoraSettings, here: bool) -> None:
    if lora.bits is not None and here:
        adapters.quantised(lora.bits)
    if lora.targets != "all-linear":
        base.skeleton(stage, stage.scratch.vocabulary if stage.model is None else 0)
