"""docs/sectors.md: each sector that it has to tell of, and its seeds as they are."""

from pathlib import Path

import pytest

from prompts.loader import Prompts
from prompts.sector import load

TEXT = (Path(__file__).parents[2] / "docs" / "sectors.md").read_text(encoding="utf-8")
TOLD = ["creation", "role-chat", "harmless", "self-instruct", "evol-instruct", "school-math"]


@pytest.mark.parametrize("name", TOLD)
def test_a_sector_has_a_section_with_its_openers_and_three_samples(name: str) -> None:
    section = TEXT.split(f"\n## `{name}`\n")[1].split("\n## ")[0]
    sector = load(Prompts(), name)
    assert all(f"`{level}`" in section for level in sector.shares)
    assert [f"**Sample {number}**" in section for number in (1, 2, 3)] == [True] * 3
    assert f"over {sector.rounds.replace('-', ' to ')} rounds" in section.replace("\n", " ")


@pytest.mark.parametrize("name", ["continue", "reanswer", "preference"])
def test_a_sector_that_takes_up_dialogues_has_a_section_and_three_samples(name: str) -> None:
    section = TEXT.split(f"\n## `{name}`\n")[1].split("\n## ")[0]
    assert [f"**Sample {number}**" in section for number in (1, 2, 3)] == [True] * 3
    assert f"--sector {name} --input" in section
