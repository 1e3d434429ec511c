"""What a model reads of one dialogue, and which of it is taught."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IGNORE_INDEX = -100
"""The label of a token that is not taught; cross entropies of the field pass it over."""


class Example(NamedTuple):
    """A dialogue, or a piece of one, as tokens."""

    id: str
    """The dialogue's id, with the number of the piece behind `#` where there are several."""
    input_ids: NDArray[np.int32]
    """(T,)."""
    labels: NDArray[np.int32]
    """(T,), not shifted: the token itself where it is taught, else IGNORE_INDEX."""
    weights: NDArray[np.float32]
    """(T,), what each taught token counts in the loss."""
