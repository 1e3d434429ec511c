"""Whether a model is taught right: tried on two short documents, before the first step.

transformers has a hundred families, and not all of them are built alike: some end in a head of another kind, some mix
tokens by other means than the attention that they are given. What would be learned wrong, and told by no error, shows
here: the loss of the trainer beside that of the model's own forward pass, and whether in a packed row a document
changes with the one before it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dialogue.errors import UsageError
from trainer.batches.collate import collate
from trainer.batches.order import MicroBatch
from trainer.nets.foreign import Model, first_line
from trainer.nets.learner import Learner
from trainer.text.example import Example

LENGTHS = (7, 5)
ALONE: MicroBatch = ((0,), (1,))
PACKED: MicroBatch = ((0, 1),)
CLOSE = {torch.float32: 1e-3, torch.bfloat16: 5e-2}
"""How far the trainer's loss may be from the model's own, in parts of it: kernels and orders of sums differ."""
SAME = {torch.float32: 1e-4, torch.bfloat16: 1e-2}
"""How far a document may be from itself behind another one: but for a mixture's experts nothing differs at all."""


def own_loss(model: Model, dtype: torch.dtype) -> float:
    """The loss of both documents, each through the model's own forward pass, before anything was changed about it.

    UsageError where that cannot be had, or is no number.
    """
    with _tried(model, dtype):
        found = sum(_own(model, one) for one in documents(model))
    if not np.isfinite(found):
        raise UsageError(
            f"model {model.name_or_path}: its weights give a loss of {found}; fetch it again, or take another one"
        )
    return float(found)


def check(learner: Learner, wanted: float) -> None:
    """UsageError where the trainer's loss is another than the model's own."""
    model = learner.model
    with _tried(model, learner.dtype):
        found = float(learner(collate(ALONE, documents(model), 0).to(model.device)))
    if not abs(found - wanted) <= CLOSE[learner.dtype] * abs(wanted):
        raise UsageError(
            f"model {model.name_or_path}: {model.config.model_type} is built in a way that the trainer does not know: "
            f"its loss would be {found:.4f} where the model's own is {wanted:.4f}; take another model"
        )


def keeps_apart(learner: Learner) -> bool:
    """Whether in a packed row the second document is the same behind whatever first one."""
    model = learner.model
    try:
        with _tried(model, learner.dtype):
            one, other = (_second(learner, documents(model, first)) for first in (0, 1))
    except UsageError:  # it takes no packed rows
        return False
    return float((one - other).norm()) <= SAME[learner.dtype] * float(one.norm())


def documents(model: Model, first: int = 0) -> list[Example]:
    """Two documents of words from all over the vocabulary, every token taught; `first` changes the first one's."""
    words = int(model.get_input_embeddings().weight.shape[0])
    lasting = np.random.default_rng(1).integers(0, words, LENGTHS[1])
    changing = np.random.default_rng(2 + first).integers(0, words, LENGTHS[0])
    return [
        Example(str(place), ids.astype(np.int32), ids.astype(np.int32), np.ones(len(ids), np.float32))
        for place, ids in enumerate((changing, lasting))
    ]


def _second(learner: Learner, found: Sequence[Example]) -> Tensor:
    hidden = learner.hidden(collate(PACKED, found, 0).to(learner.model.device))
    return hidden[0, LENGTHS[0] :].float()


def _own(model: Model, one: Example) -> float:
    ids = torch.from_numpy(one.input_ids.astype(np.int64))[None].to(model.device)
    logits = model(input_ids=ids, use_cache=False).logits[0, :-1].float()
    return float(F.cross_entropy(logits, ids[0, 1:], reduction="sum"))


@contextmanager
def _tried(model: Model, dtype: torch.dtype) -> Iterator[None]:
    """Without gradients, dropout and compiled code; what goes wrong inside is a UsageError that names the family."""
    trained = model.training
    half = dtype != torch.float32
    model.eval()
    try:
        with (
            torch.no_grad(),
            torch.compiler.set_stance("force_eager"),
            torch.autocast(model.device.type, dtype, enabled=half),
        ):
            yield
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # of whichever code the family is made of
        raise UsageError(
            f"model {model.name_or_path}: {model.config.model_type} does not go through the trainer "
            f"({type(error).__name__}: {first_line(error)}); take a model of another family"
        ) from error
    finally:
        model.train(trained)
