"""A local text encoder, run by transformers: the one part of the filters that a model's weights are loaded in."""

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dialogue.errors import UsageError

Vectors = NDArray[np.float32]

MAX_TOKENS = 256
BATCH = 64
_MOST_CHARACTERS = 16
"""For each token that is read: what lies beyond is cut off before it is tokenised, not after."""


class LocalEncoder:
    """A transformers encoder: the mean of the last layer over the text's tokens, at most `max_tokens` of them.

    `model` is a folder, or else an id on the hub. Weights are safetensors alone, and no code of the model's is run.
    """

    def __init__(self, model: str, max_tokens: int = MAX_TOKENS) -> None:
        torch, transformers = _libraries()
        transformers.utils.logging.disable_progress_bar()  # of reading 90 MB: it would tear the command's own
        options = {"trust_remote_code": False, "local_files_only": _is_folder(model)}
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(model, **options)
            self._model = transformers.AutoModel.from_pretrained(
                model, use_safetensors=True, dtype=torch.float32, **options
            )
        except (OSError, ValueError) as error:
            raise UsageError(f"encoder {model!r}: {str(error).strip().splitlines()[0]}") from None
        self._torch = torch
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model.eval().to(self._device)
        limit = getattr(self._model.config, "max_position_embeddings", max_tokens)
        self._max_tokens = min(max_tokens, limit, self._tokenizer.model_max_length)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(texts, dims) float32, each of length 1, or 0 where a text has no token; like lengths share a batch."""
        vectors = np.zeros((len(texts), self._model.config.hidden_size), np.float32)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for at in range(0, len(order), BATCH):
            places = order[at : at + BATCH]
            vectors[places] = self._batch([texts[place][: _MOST_CHARACTERS * self._max_tokens] for place in places])
        return vectors

    def _batch(self, texts: Sequence[str]) -> Vectors:
        torch = self._torch
        read = self._tokenizer(
            texts, padding=True, truncation=True, max_length=self._max_tokens, return_tensors="pt"
        ).to(self._device)
        if not read["input_ids"].numel():
            return np.zeros((len(texts), self._model.config.hidden_size), np.float32)
        with torch.inference_mode():
            states = self._model(**read).last_hidden_state
            mask = read["attention_mask"].unsqueeze(-1)
            # Filled, not multiplied: an attention with nothing to look at gives NaN.
            means = states.masked_fill(mask == 0, 0.0).sum(1) / mask.sum(1).clamp(min=1)
            found: Vectors = torch.nn.functional.normalize(means, dim=-1).cpu().numpy()
        return found


def _libraries() -> tuple[Any, Any]:
    """torch and transformers, which take seconds to import."""
    try:
        return import_module("torch"), import_module("transformers")
    except ModuleNotFoundError as error:
        raise UsageError(f"an encoder needs {error.name}: pip install 'duologue[encode]'") from None


def _is_folder(model: str) -> bool:
    """Whether it is a folder here; UsageError where it can be neither that nor an id on the hub."""
    if Path(model).is_dir():
        return True
    if model.startswith((".", "~", os.sep)) or model.count("/") > 1 or Path(model).exists():
        raise UsageError(f"encoder {model!r}: no such folder (expected config.json, model.safetensors and a tokenizer)")
    return False
