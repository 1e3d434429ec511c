"""All that a training has before it on the desk: data, network, optimiser, and where it stands."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from trainer.batches.sources import Source, told
from trainer.batches.store import Store, View, build
from trainer.loop import checkpoint, dated, parallel
from trainer.loop.course import Course, course, notes, sizes_of, stepped
from trainer.loop.fitted import fitted
from trainer.loop.folder import whole_folder
from trainer.loop.optim import optimizer
from trainer.loop.parallel import Here
from trainer.loop.ready import dtype_of
from trainer.loop.trial import tried
from trainer.nets import base
from trainer.nets.flops import Shape, shape_of
from trainer.nets.foreign import Model
from trainer.nets.learner import Learner
from trainer.nets.names import tokenizer_place
from trainer.settings import TrainSettings
from trainer.text import tokenizer as tokenizers
from trainer.text.render import Renderer, renderer
from trainer.text.tokenizer import Prepared

FITTED_TEXTS = 20_000
"""Dialogues that a new tokenizer is fitted to, from the data's beginning."""


@dataclass
class Standing:
    """Where a training stands; goes into each checkpoint."""

    step: int = 0
    """Steps done."""
    useful_tokens: int = 0
    """Tokens learned from, padding left out."""
    eval_loss: float | None = None
    eval_step: int | None = None
    """When that was measured."""
    looks: int = 0
    """Steps that were both looked at and saved, among which the best one is chosen."""
    best_loss: float | None = None
    best_step: int | None = None


@dataclass(frozen=True)
class Desk:
    """What the loop works with."""

    settings: TrainSettings
    here: Here
    renderer: Renderer
    new_ids: tuple[int, ...]
    """Tokens that the template added to the model's own."""
    store: Store
    learned: View
    held: View
    course: Course
    model: Model
    learner: Learner
    optimizer: torch.optim.Optimizer
    shape: Shape
    standing: Standing

    @property
    def pad_id(self) -> int:
        """The token of padding."""
        return int(self.renderer.tokenizer.pad_token_id)


def read_data(settings: TrainSettings, sources: list[Source], here: Here) -> tuple[Prepared, Renderer, Store]:
    """Tokenizer, renderer and all examples; the first rank makes what is not there yet, the others find it."""
    folder = settings.out
    with parallel.together(here):
        if here.first:
            _tokenizer_there(settings, sources)
    if settings.model is None:
        ready = tokenizers.load(folder / "tokenizer", settings.template)
    else:
        ready = tokenizers.load(tokenizer_place(settings.model), settings.template)
    with parallel.together(here):
        if here.first:
            dated.keep(settings, ready.tokenizer)
    speech = renderer(ready.tokenizer, settings, dated.kept(settings))
    with parallel.together(here):
        if here.first:
            build(settings, speech, folder / "data", sources)
    return ready, speech, Store(folder / "data")


def _tokenizer_there(settings: TrainSettings, sources: list[Source]) -> None:
    """A tokenizer of its own for a model from scratch, fitted to the data once."""
    place = settings.out / "tokenizer"
    if settings.model is not None or place.is_dir():
        return
    tokenizer = fitted(settings, sources, FITTED_TEXTS)
    with whole_folder(place) as beside:
        tokenizer.save_pretrained(beside)


def lay(settings: TrainSettings, sources: list[Source], here: Here, said: Callable[[str], None]) -> Desk:
    """The desk of a training, from its last checkpoint where there is one; the audit is said."""
    ready, speech, store = read_data(settings, sources, here)
    if here.first:
        for line in [*told(sources), *store.lines()]:
            said(line)
    found = checkpoint.latest(settings.out)
    model = base.load(settings, ready.tokenizer, ready.new_ids, here.device, checkpoint=found)
    shape = shape_of(model)
    settings, learner = tried(model, settings, here, said)
    parallel.shard(learner, model, dtype_of(settings, here.device), here)
    optim = optimizer(learner, settings)
    standing = Standing() if found is None else _restored(found, learner, optim)
    if found is not None and here.first:
        said(f"goes on from {found}, {standing.step:,} steps done")
    learned, held = View(store, store.learned), View(store, store.held)
    settings, plan = _course(settings, store, here, said)
    return Desk(
        settings, here, speech, tuple(ready.new_ids), store, learned, held, plan, model, learner, optim, shape, standing
    )


def _course(
    settings: TrainSettings, store: Store, here: Here, said: Callable[[str], None]
) -> tuple[TrainSettings, Course]:
    """All steps, and the settings with the size that these have; what there is to know of them is said."""
    gpu, lengths = here.device.type == "cuda", store.lengths[store.learned]
    made = stepped(settings, lengths, gpu)
    way = course(lengths, sizes_of(made, gpu), made)
    if here.first:
        if len(store.held):
            said(f"held out: {len(store.held):,} examples; {len(store.learned):,} are learned from")
        if made is not settings:
            said(
                f"batch = {made.batch}: small data, {way.total:,} steps; state --batch or batch_tokens to have another"
            )
        for line in notes(made, way, len(store.held)):
            said(line)
    return made, way


def _restored(found: Path, learner: Learner, optim: torch.optim.Optimizer) -> Standing:
    state = checkpoint.read_state(found)
    parallel.restore_optimizer(learner, optim, state.optimizer)
    cursor: dict[str, Any] = dict(state.cursor)
    return Standing(**cursor)
