"""What a step costs, counted honestly: no padding, no recomputation, no look-ups, no head where nothing is taught.

Forward and backward passes together, of documents of l_i tokens that are no padding:

    6 N sum(l_i) + 6 V d S + 6 L H w sum(l_i^2)

N parameters of the layers (embeddings and head left out), V words, d width, S places where the head is run, L layers
of H heads of width w. The last term is causal attention within documents: half of the square, which counting a dense
row of T tokens would inflate (by 1.12 at 1.3 B and 600 tokens a document). Of a frozen matrix there is no gradient: 4
in place of 6. The share of a device's peak that this is in a second is the model FLOPs utilisation (Chowdhery et al.
2022, arXiv 2204.02311). Of a mixture's experts those are counted that a token meets.
"""

from typing import Any, NamedTuple

from torch import nn

from trainer.nets.foreign import Model

H200_BF16_FLOPS = 989e12
"""Data sheet of H100 and H200, SXM, dense."""


class Shape(NamedTuple):
    """What the count needs to know of a network."""

    layer_parameters: int
    """Of the layers, trained or not, that a token goes through; adapters left out."""
    adapter_parameters: int
    """Of low-rank adapters."""
    frozen: bool
    """Whether the layers get no gradient."""
    head: int
    """V d."""
    attention: int
    """L H w."""

    def flops(self, tokens: int, squares: int, taught: int) -> float:
        """Of a forward and backward pass over documents of so many tokens, whose lengths' squares sum to `squares`."""
        each = (4 if self.frozen else 6) * self.layer_parameters + 6 * self.adapter_parameters
        head = (4 if self.frozen else 6) * self.head
        return float(each * tokens + head * taught + 6 * self.attention * squares)


def shape_of(model: Model) -> Shape:
    """The shape of a causal language model of transformers, with adapters of peft or without."""
    config = model.config.get_text_config()
    tables = [module for module in model.modules() if isinstance(module, nn.Embedding)]  # of positions too
    tables += [model.get_input_embeddings(), model.get_output_embeddings()]
    outside = {id(parameter) for table in tables for parameter in table.parameters()}
    layers, adapters, frozen, met = 0, 0, True, _experts_met(config)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            adapters += parameter.numel() if parameter.requires_grad else 0
        elif id(parameter) not in outside:
            layers += round(parameter.numel() * (met if ".experts." in name else 1))
            frozen = frozen and not parameter.requires_grad
    heads = getattr(config, "num_attention_heads", 0)  # of a state-space model none
    width = (getattr(config, "head_dim", None) or config.hidden_size // heads) if heads else 0
    return Shape(
        layers,
        adapters,
        frozen,
        config.vocab_size * config.hidden_size,
        config.num_hidden_layers * heads * width,
    )


def _experts_met(config: Any) -> float:
    """The share of a mixture's experts that each token goes through; 1 without a mixture."""
    chosen = getattr(config, "num_experts_per_tok", None)
    names = ("num_local_experts", "num_experts", "n_routed_experts")
    whole = next((found for name in names if (found := getattr(config, name, None))), None)
    return chosen / whole if chosen and whole else 1.0
