"""The libraries whose classes hardly bear types: imported when first needed, and taken as they are."""

from importlib import import_module
from typing import Any, TypeAlias

from dialogue.errors import UsageError

Model: TypeAlias = Any
"""A transformers PreTrainedModel, adapters inside it or not."""
Tokenizer: TypeAlias = Any
"""A transformers PreTrainedTokenizerBase."""


def library(name: str) -> Any:
    """The module of this name. UsageError that names the extra where it is not installed."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed: pip install 'duologue[train]'") from None
