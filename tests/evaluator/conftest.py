"""The server that misbehaves lives with the tests of the client, the child processes with those of the commands."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("generator", "gen", "trainer")]
