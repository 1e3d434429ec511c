"""What a training needs of a device's memory, part by part, from the network's shape alone."""

from typing import NamedTuple

import torch

from dialogue.records import Record
from trainer.loop.devices import GIB
from trainer.loop.ready import dtype_of
from trainer.nets import adapters
from trainer.nets.footprint import Footprint, footprint
from trainer.nets.foreign import Model
from trainer.nets.loss import CHUNK_ROWS
from trainer.settings import TrainSettings

LOGIT_BYTES = 16
"""A logit of a chunk: itself, its float32, its slope, what is made on the way."""
COMPILED_LOGIT_BYTES = 4
"""Where all of it is one kernel: itself and its slope."""


class Memory(Record):
    """GiB on one device, at the moment when most is held."""

    weights: float
    gradients: float
    moments: float
    """AdamW's two."""
    copies: float
    """Weights in the precision of the products, where they are kept in another."""
    activations: float
    """Kept for the backward pass."""
    activations_checkpointed: float
    """The same where blocks are computed again (gradient checkpointing)."""
    logits: float
    """A chunk of them, and the head's gradient."""
    total: float
    """With the activations as the settings ask."""


class Needs(NamedTuple):
    """Memory as a function of what goes through the network at once."""

    trained: int
    """Parameters."""
    frozen_bytes: float
    footprint: Footprint
    head: tuple[int, int]
    """(V, d)."""
    head_trained: bool
    item: int
    """Bytes of a number in the products' precision."""
    taught: float
    """Share of the tokens that is taught."""
    compiled: bool

    def memory(self, micro_tokens: int, *, recomputed: bool, devices: int = 1) -> Memory:
        """The parts at a size; weights, gradients and moments shared among devices."""
        words, width = self.head
        rows = micro_tokens * self.taught
        at_head = 2 * rows * width * self.item
        kept, less = (self.footprint.activations(micro_tokens, recomputed=way) + at_head for way in (False, True))
        logits = min(CHUNK_ROWS, rows) * words * (COMPILED_LOGIT_BYTES if self.compiled else LOGIT_BYTES)
        logits += words * width * (4 + self.item) * self.head_trained
        copies = self.footprint.copies(recomputed=recomputed) + words * width * self.item * (self.item < 4)
        parts = {
            "weights": (4 * self.trained + self.frozen_bytes) / devices,
            "gradients": 4 * self.trained / devices,
            "moments": 8 * self.trained / devices,
            "copies": copies,
            "activations": kept,
            "activations_checkpointed": less,
            "logits": logits,
        }
        left_out = "activations" if recomputed else "activations_checkpointed"
        total = sum(value for name, value in parts.items() if name != left_out)
        return Memory(**{name: round(value / GIB, 4) for name, value in (*parts.items(), ("total", total))})


def needs_of(model: Model, settings: TrainSettings, *, gpu: bool, taught: float) -> Needs:
    """The needs of a model on the meta device, which is not to be used afterwards.

    `taught` is the share of tokens that is taught.
    """
    dtype = dtype_of(settings, torch.device("cuda" if gpu else "cpu"))
    half_frozen = gpu and settings.dtype != "float32"
    bits = settings.lora.bits if settings.lora is not None and settings.lora.bits else 16 if half_frozen else 32
    counted = adapters.counts(model)
    head = model.get_output_embeddings().weight
    return Needs(
        trained=counted.trained,
        frozen_bytes=(counted.all - counted.trained) * bits / 8,
        head=(head.shape[0], head.shape[1]),
        head_trained=head.requires_grad,
        item=torch.empty(0, dtype=dtype).element_size(),
        taught=taught,
        compiled=settings.compile,
        footprint=footprint(model, dtype, compiled=settings.compile, half_frozen=half_frozen),
    )
