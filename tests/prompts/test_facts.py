"""Facts of a sector's own: read by language, one value under one kind."""

from pathlib import Path

import pytest

from dialogue.errors import UsageError
from prompts.facts import fact_pool
from prompts.loader import Prompts
from prompts.sector import load, names

PROMPTS = Prompts()
FILES = [sector.fact_file for name in names(PROMPTS) if (sector := load(PROMPTS, name)).fact_file]
TOWN = """[en]
goal = ["to chat"]
[en.facts.town]
tell = "lives in {v}"
ask = "where you live"
values = ["Oslo", "Lima"]
"""


def pool(folder: Path, text: str, language: str = "en") -> list[str]:
    (folder / "facts.toml").write_text(text, encoding="utf-8")
    return list(fact_pool(Prompts(folder), "facts.toml", language).facts)


def test_recall_has_facts_of_its_own_and_world_questions_has_none() -> None:
    assert load(PROMPTS, "recall").fact_file in FILES
    assert load(PROMPTS, "world-questions").fact_file is None


@pytest.mark.parametrize("file", FILES)
def test_every_file_has_room_for_many_dialogues(file: str) -> None:
    kinds = fact_pool(PROMPTS, file, "en").facts.values()
    assert len(kinds) >= 6
    assert all(len(set(kind.values)) == len(kind.values) >= 10 for kind in kinds)


def test_a_variety_of_a_language_takes_its_base(tmp_path: Path) -> None:
    assert pool(tmp_path, TOWN, "en-GB") == ["town"]


@pytest.mark.parametrize(
    ("text", "language", "complaint"),
    [
        (
            TOWN,
            "fr",
            r"no facts in 'fr' \(there are: en\); add a table to a copy under --prompts, or choose another --l",
        ),
        (TOWN.replace("{v}", "Oslo"), "en", "expected one {v}"),
        (TOWN.replace('"Oslo", ', ""), "en", "facts.town.values"),
        (TOWN.replace("ask", "question"), "en", "facts.town"),
        (TOWN.replace('["to chat"]', "[]"), "en", "goal"),
        (
            TOWN + TOWN[TOWN.index("[en.f") :].replace("facts.town", "facts.birthplace"),
            "en",
            "'Oslo' stands under town",
        ),
    ],
)
def test_a_file_that_answers_could_not_be_checked_by_is_refused_with_its_place(
    tmp_path: Path, text: str, language: str, complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        pool(tmp_path, text, language)
    assert str(tmp_path / "facts.toml") in str(caught.value)
    assert "\n" not in str(caught.value)
