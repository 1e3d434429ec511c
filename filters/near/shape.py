"""How many bands of how many rows: what a MinHash index of that shape finds.

Two texts of Jaccard similarity J agree in a row with probability J, in all r rows of a band with J^r, and so meet in
at least one of b bands with 1 - (1 - J^r)^b (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4). At 0.7:

    bands x rows   at 0.70   0.75   0.80
          14 x 9     0.437   0.666  0.868      datasketch's own choice for 128 rows: as many misses as false alarms
          25 x 5     0.990   0.999  1.000      this module's: false alarms cost one exact comparison each
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEAST_RECALL = 0.9895
"""What the shape must find of pairs just at the threshold: 0.99, rounded."""


class Shape(NamedTuple):
    """An index's bands, and the rows of each."""

    bands: int
    rows: int

    def recall(self, jaccard: NDArray[np.float64]) -> NDArray[np.float64]:
        """The share that is found of pairs of these similarities."""
        found: NDArray[np.float64] = 1 - (1 - jaccard**self.rows) ** self.bands
        return found


def chosen(threshold: float, perms: int) -> Shape:
    """The most rows a band can have, so the fewest candidates, at a recall of LEAST_RECALL at the threshold itself.

    25 x 5 at 0.7 of 128, 21 x 6 at 0.8. One row a band where no shape finds as many.
    """
    shapes = (Shape(perms // rows, rows) for rows in range(perms, 0, -1))
    at = np.array([threshold])
    return next((shape for shape in shapes if shape.recall(at)[0] >= LEAST_RECALL), Shape(perms, 1))


def predicted_recall(shape: Shape, threshold: float, found: NDArray[np.float64]) -> float:
    """The share of pairs that the shape finds, told from the similarities of those that it did find.

    A found pair stands for 1 / P(J) pairs that there are (Horvitz, Thompson 1952). Without pairs below 1.0, which any
    shape finds, it is the recall at the threshold.
    """
    found = found[found < 1]
    if not len(found):
        return float(shape.recall(np.array([threshold]))[0])
    return float(len(found) / np.sum(1 / shape.recall(found)))
