"""Fixtures of all tests."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No test depends on the clock: a machine may be as slow as it likes.
settings.register_profile("any_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any_machine")

# Where the suite runs in the background of a shell, SIGINT is ignored, and its children would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of test material made elsewhere, which holds `data/`: $DUOLOGUE_SHARED, else ../shared."""
    folder = Path(os.environ.get("DUOLOGUE_SHARED") or Path(__file__).parents[2] / "shared")
    if not (folder / "data").is_dir():
        pytest.skip(f"needs test material: no {folder}/data (set DUOLOGUE_SHARED to the folder that holds data/)")
    return folder
