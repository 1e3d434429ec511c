"""`gen merge` as a Python function."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dialogue.errors import UsageError


def merge(
    adapters: Sequence[str | Path], out: str | Path, *, model: str | None = None, dtype: str | None = None
) -> dict[str, Any]:
    """Fold adapters into their base and write the whole model to `out`; returns what was folded into what.

    Adapters are folders, `gen train` outputs or hub ids, taken in order: plain LoRAs are summed, a DoRA counts from
    what was folded in before it. `model` names the base where the adapters do not agree on it, `dtype` the precision
    of the file (default: the base's). Raises UsageError.
    """
    for name in ("torch", "transformers", "peft"):
        if find_spec(name) is None:
            raise UsageError(f"gen merge needs {name}: pip install 'duologue[train]'")
    from trainer.nets import merge as folding

    return folding.merge([str(one) for one in adapters], Path(out), model, dtype)
