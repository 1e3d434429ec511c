"""The server that misbehaves lives with the tests of the client, the model that babbles with those of the trainer."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("generator", "trainer")]
