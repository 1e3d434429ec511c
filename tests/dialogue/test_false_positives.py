"""How often the checks fire on good turns of real data sets."""

import importlib.util
from math import ceil
from pathlib import Path
from types import ModuleType

import pytest

from dialogue.faults import CHECKS

BOUNDS = {
    # published rates, per cent: UltraChat, MT-Bench-101
    "help_desk": {"UC": 0.13, "MT": 0},
    "assistant_start": {"UC": 0, "MT": 0.11},
    "shape": {"UC": 0, "MT": 0},
    "thanks_only": {"UC": 0, "MT": 0.07, "OA": 4},
    "farewell": {"UC": 0, "MT": 0, "OA": 1},
    "turn_copy": {"UC": 0, "MT": 0.43, "OA": 2},
    "answer_copy": {"UC": 0.13, "MT": 0.43, "MOSS": 1},
    "opener_resent": {"UC": 0, "MT": 0},
    "role_marker": {"UC": 0.07, "MT": 0},
    "meta": {"UC": 0.34, "MT": 0.07},
    "placeholder": {"UC": 0, "MT": 0.53},
    "language": {"UC": 0.13, "MT": 0.13, "MOSS": 0.13},
}
OPENER_BOUNDS = {"marker": {"UC": 0.07, "AH": 0.16}, "placeholder": {"UC": 0.3, "AH": 0.4, "SI": 1.2, "BELLE": 0.6}}


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    path = Path(__file__).parents[2] / "bench" / "false_positives.py"
    spec = importlib.util.spec_from_file_location("false_positives", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_check_stays_under_its_bound_on_good_turns(bench: ModuleType, shared: Path) -> None:
    """Bounds are shares of sets somewhat larger than ours, so each is rounded up to whole turns; others are 0."""
    dialogues = list(bench.good(shared / "data"))
    for found, checks, bounds in [
        (bench.follow_ups(dialogues), CHECKS, BOUNDS),
        (bench.openers(dialogues), bench.OPENER_CHECKS, OPENER_BOUNDS),
    ]:
        for set_, rates in found.items():
            for check in checks:
                most = ceil(rates.turns * bounds.get(check, {}).get(set_, 0) / 100)
                assert rates.fired[check] <= most, (
                    f"{check} on {set_}: {rates.fired[check]} of {rates.turns}, most {most}"
                )


def test_answers_are_flagged_about_as_often_as_published(bench: ModuleType, shared: Path) -> None:
    answers = bench.answers(list(bench.good(shared / "data")))
    assert answers["UC"].percent("self_copy") <= 1.3
    assert answers["MT"].percent("self_copy") <= 0.4
    assert answers["UC"].percent("asks_as_user") <= 0.1
    assert answers["MT"].percent("asks_as_user") <= 0.6
    assert answers["UC"].percent("truncated") <= 3.2
    assert answers["MT"].percent("truncated") <= 1.4
