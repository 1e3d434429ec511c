"""Files for pages about an assistant are made where the engine's tests make them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "generator"))
