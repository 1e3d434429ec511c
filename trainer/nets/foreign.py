"""The libraries whose classes hardly bear types: imported when first needed, and taken as they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
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


@contextmanager
def unbroken(weights: str | Path) -> Iterator[None]:
    """Within the block safetensors that are torn are a UsageError that names them."""
    try:
        yield
    except library("safetensors").SafetensorError as error:
        raise UsageError(f"{weights}: broken weights ({first_line(error)}); copy or fetch them anew") from None


def first_line(error: Exception) -> str:
    """What an error of a foreign library says, in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
