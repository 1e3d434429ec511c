"""What a model reads of one dialogue, and which of it is taught."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IGNORE_INDEX = -100
"""The label of a token that is not taught; cross entropies of the field pass it over."""


class Example(NamedTuple):
    """A dialogue, or a piece of one, as tokens."""

    id: str
    """Of the dialogue; its pieces share it."""
    input_ids: NDArray[np.int32]
    """(T,)."""
    labels: NDArray[np.int32]
    """(T,), not shifted: the token itself where it is taught, else IGNORE_INDEX."""
    weights: NDArray[np.float32]
    """(T,), what each taught token counts in the loss; 0 elsewhere."""

    @property
    def taught(self) -> int:
        """Tokens that are taught; the first of a sequence has no predecessor and is not."""
        return int(np.count_nonzero(self.labels[1:] != IGNORE_INDEX))
