"""How much of real data sets the filters drop with their default settings."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bench import filter_false_positives as bench
from dialogue.records import Dialogue

BOUNDS = {
    # Per cent of a set's dialogues. What is dropped was read: faults that the makers let pass, unless said otherwise.
    "turns": {"OA": 3.2},
    # "let me know if there is anything else" (UC) and "Sure, but how do I" (MT) are the user's own
    "role_exchange": {"UC": 0.5, "MT": 0.1},
    "refusals": {
        "UC": 1.6,
        "MT": 0.2,
        "MOSS": 9.8,
        "TOOL": 13.7,
        "PREF": 1.7,
        "EN": 5,
        "ZH": 4,
        "SI": 0.6,
        "BELLE": 1.2,
    },
    "politeness": {},
    # placeholders in the user's own material (SI, BELLE)
    "markers": {"UC": 0.3, "SI": 1.2, "BELLE": 0.6},
    # an inline list and a sloppy end (MT), an Arabic sentence (SI)
    "truncated": {"MT": 0.2, "OA": 8.3, "TOOL": 0.4, "PREF": 1.7, "SI": 0.6},
    # two questions of MT change one word
    "near_copy": {"UC": 0.3, "MT": 0.3, "OA": 3.2},
}
EDITED = {"politeness": {"UC": 0.2, "MT": 0.3, "OA": 3.2, "SG": 66.6, "TOOL": 15.4}}
"""Of these one of UC and three of MT say a little more than thanks; SG's dialogues end in a goodbye."""


@pytest.fixture(scope="module")
def by_set(shared: Path) -> Mapping[str, list[Dialogue]]:
    return bench.sets(shared / "data")


@pytest.mark.parametrize("name", BOUNDS)
def test_a_filter_takes_no_more_of_real_dialogues_than_was_read_and_judged(name, by_set):
    filter = bench.filters()[name]
    for letters, dialogues in by_set.items():
        found = bench.counts(dialogues, {name: filter})
        edited = found[name, bench.EDITED]
        for count, bounds in ((found[bench.ANY], BOUNDS), (edited, EDITED)):
            share = 100 * count / len(dialogues)
            assert share <= bounds.get(name, {}).get(letters, 0), f"{name} on {letters}: {count} of {len(dialogues)}"


def test_the_table_has_a_row_for_each_reason_and_one_for_all(by_set):
    few = {letters: by_set[letters][:60] for letters in ("TOOL", "EN")}
    lines = bench.table(few, {name: bench.filters()[name] for name in ("refusals", "politeness")}).splitlines()
    assert lines[0] == "| filter | reason | TOOL (n = 60) | EN (n = 60) |"
    assert [line.split(" | ")[:2] for line in lines[2:]] == [
        ["| politeness", bench.EDITED],
        ["| refusals", "disclaimer"],
        ["| refusals", "refusal"],
        ["| any", ""],
    ]


def test_cases_are_shown_for_a_person_to_judge(by_set):
    shown = list(bench.show({"MT": by_set["MT"]}, bench.filters()["politeness"], 2))
    assert len(shown) == 2
    assert "You're welcome!" in shown[0]
