"""Every fault that a run can meet: what the user sees, what is on disk, what the same command does afterwards."""

from pathlib import Path

import pytest
from cases import CASES, Case
from disasters import NotHere
from played import Outcome

MARKED = [pytest.param(case, id=case.name, marks=[pytest.mark.slow] * case.slow) for case in CASES]


@pytest.mark.parametrize("case", MARKED)
async def test_a_fault_is_told_and_the_same_command_mends_it_without_asking_twice(case: Case, tmp_path: Path) -> None:
    try:
        outcome = await case.play(case, tmp_path)
    except NotHere as reason:
        pytest.skip(str(reason))
    told(case, outcome)
    kept(case, outcome)
    mended(case, outcome)
    assert outcome.leaked == [], "files that hold the key"
    case.check(outcome)


def told(case: Case, outcome: Outcome) -> None:
    """The exit status, and the words."""
    outcome.first.check(case.status, *case.says)
    for part in case.shows:
        assert part in outcome.first.out
    if case.requests is not None:
        assert len(outcome.asked) <= case.requests


def kept(case: Case, outcome: Outcome) -> None:
    """What is on disk after the first call: dialogues, failures with their reasons and turns."""
    disk = outcome.disk
    if case.status in (0, 1):
        assert disk.reasons == case.failed
        assert disk.summary["failed"] == len(disk.failures)
        assert disk.summary["status"] == case.status
        assert all(len(failure["messages"]) == case.partial and failure["detail"] for failure in disk.failures)
        assert len(disk.dialogues) == case.n - len(disk.failures)
    elif case.done is not None and case.done >= 0:
        assert len(disk.dialogues) == case.done
    for dialogue in disk.dialogues:
        assert [message["role"] for message in dialogue["messages"]][:2] == ["user", "assistant"]
        assert dialogue["messages"][-1]["role"] == "assistant"


def mended(case: Case, outcome: Outcome) -> None:
    """The same command finishes everything, and asks for nothing that was answered before."""
    outcome.again.check(0)
    assert len(outcome.after.dialogues) == case.n
    assert outcome.after.failures == []
    assert outcome.repeated == 0, "answered without fault, and asked again"
    if case.status == 0:
        assert outcome.asked_again == [], "all was done"
