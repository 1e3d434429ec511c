"""The server that misbehaves lives with the tests of the client, the model that babbles with those of the trainer."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("generator", "trainer")]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that are given no --out look at runs/SECTOR: not at what somebody has made beside the tests."""
    monkeypatch.chdir(tmp_path)
