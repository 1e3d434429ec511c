"""What is installed only with an extra, named where it is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from dialogue.errors import UsageError

EXTRAS = {
    "train": ("torch", "transformers", "tokenizers", "safetensors", "peft", "huggingface_hub"),
    "parquet": ("pyarrow",),
    "pages": ("bs4", "markdownify"),
    "evaluate": ("sklearn", "statsmodels", "evalica", "pandas"),
}
"""Packages by the extra that brings them."""


@contextmanager
def extras_named() -> Iterator[None]:
    """Within the block a missing package of an extra is a UsageError that names the extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        extra = next((name for name, packages in EXTRAS.items() if package in packages), None)
        if extra is None:
            raise
        raise UsageError(f"{package} is not installed: pip install 'duologue[{extra}]'") from None
