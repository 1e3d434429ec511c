"""The server that misbehaves lives with the tests of the client."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "generator"))
