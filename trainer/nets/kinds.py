"""Which models can be taught, told by their config alone, before a weight is read."""

from collections.abc import Container
from pathlib import Path
from typing import Any

from dialogue.errors import UsageError
from trainer.nets.foreign import first_line, library
from trainer.nets.hub import to_be_had
from trainer.nets.rope import reach
from trainer.settings import TrainSettings


def config_of(place: str) -> Any:
    """The model's config. UsageError where it is no causal language model that transformers knows by itself."""
    if not Path(place).is_dir():
        to_be_had(place)
    try:
        config = library("transformers").AutoConfig.from_pretrained(place, trust_remote_code=False)
    except OSError as error:
        raise UsageError(
            f"model {place}: no such folder, and not to be had from the hub: {first_line(error)}"
        ) from None
    except (ValueError, KeyError) as error:
        raise UsageError(f"model {place}: unknown to transformers, causal LMs only: {first_line(error)}") from None
    kind = config.model_type
    # GPT-NeoX says of itself that it is no decoder, and sees only backwards all the same.
    both_ways = getattr(config, "is_decoder", None) is False and kind in _names("MASKED_LM")
    if config.is_encoder_decoder or both_ways or kind not in _names("CAUSAL_LM"):
        raise UsageError(
            f"model {place}: {kind} is no causal LM, and only those are trained (no encoder-decoders as T5, no masked "
            "or prefix LMs as BERT and the first GLM)"
        )
    return config


def check_length(config: Any, settings: TrainSettings) -> None:
    """UsageError where the model has fewer positions than `max_length`."""
    have = reach(config)
    if have is not None and settings.max_length > have:
        raise UsageError(
            f"max_length = {settings.max_length}: the model has {have} positions; lower it, or stretch them by rope"
        )


def _names(purpose: str) -> Container[str]:
    """The families that have a model for a purpose."""
    mappings = library("transformers.models.auto.modeling_auto")
    names: Container[str] = getattr(mappings, f"MODEL_FOR_{purpose}_MAPPING_NAMES")
    return names
