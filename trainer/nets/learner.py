"""From a micro-batch to the sum of its losses: the network's body once, its head where something is taught."""

from typing import Any

import torch
from torch import Tensor, nn

from trainer.batches.collate import Batch
from trainer.nets.foreign import Model
from trainer.nets.last_block import LastBlock
from trainer.nets.loss import loss_sum, loss_sum_through

SCALED_HEADS = ("final_logit_softcapping", "logit_scale", "logits_scaling")
"""Settings of transformers' families (Gemma 2, Cohere, Granite) whose logits are not the head's product alone."""


class Learner(nn.Module):
    """A causal language model as something that learns. It is a module so that sharding may wrap all of it."""

    def __init__(self, model: Model, dtype: torch.dtype, *, compiled: bool = False) -> None:
        """`dtype` is that of products and of what flows between layers; weights stay as they are."""
        super().__init__()
        self.model = model
        self.dtype = dtype
        self.compiled = compiled
        self._body = [model.base_model]  # in a list: it is the model's already, and must not be listed twice
        self._last_block = LastBlock(model)

    def forward(self, batch: Batch) -> Tensor:
        """The sum of weights * cross entropy over the micro-batch, a float32 scalar."""
        device_type = batch.input_ids.device.type
        with torch.autocast(device_type, self.dtype, enabled=self.dtype != torch.float32):
            with self._last_block.only(None if self.compiled else batch.rows):
                hidden = self.hidden(batch)
            rows = hidden.reshape(-1, hidden.shape[-1]).index_select(0, batch.rows)
            head = self.model.get_output_embeddings()
            config = self.model.config
            if type(head) is nn.Linear and head.bias is None and not _scales(config):
                return loss_sum(rows, head.weight, batch.targets, batch.weights, compiled=self.compiled)
            return loss_sum_through(lambda part: _scaled(head(part), config), rows, batch.targets, batch.weights)

    def hidden(self, batch: Batch) -> Tensor:
        """What the body makes of each token, (B, T, d)."""
        documents: dict[str, Any] = {}
        if batch.cu_seqlens is not None:
            # Or each new number of documents would be compiled anew, in the middle of a training; one alone is a case
            # of its own, which code may take for a constant.
            if self.compiled and len(batch.cu_seqlens) > 2:
                torch._dynamo.mark_dynamic(batch.cu_seqlens, 0)
            documents = {
                "cu_seq_lens_q": batch.cu_seqlens,
                "cu_seq_lens_k": batch.cu_seqlens,
                "max_length_q": batch.max_seqlen,
                "max_length_k": batch.max_seqlen,
            }
        # The embeddings in the precision of the products keep the whole stream between layers in it.
        embedded = self.model.get_input_embeddings()(batch.input_ids).to(self.dtype)
        out = self._body[0](
            inputs_embeds=embedded, position_ids=batch.position_ids, use_cache=False, return_dict=True, **documents
        )
        hidden: Tensor = out.last_hidden_state
        return hidden


def _scales(config: Any) -> bool:
    return any(getattr(config, name, None) not in (None, 1.0) for name in SCALED_HEADS)


def _scaled(logits: Tensor, config: Any) -> Tensor:
    """The logits as the family's own forward pass makes them."""
    if (cap := getattr(config, "final_logit_softcapping", None)) is not None:
        logits = torch.tanh(logits / cap) * cap
    if (scale := getattr(config, "logit_scale", None)) is not None:
        logits = logits * scale
    if (scaling := getattr(config, "logits_scaling", None)) is not None:
        logits = logits / scaling
    return logits
