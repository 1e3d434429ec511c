"""The sector role-chat, played offline: a character, a situation, a scene that both sides keep up."""

from collections import Counter
from pathlib import Path

import pytest
from sector_runs import PROMPTS, acts, assert_whole, counted, listed, play

from dialogue.records import Dialogue
from prompts.sector import load, roots

N = 300
SECTOR = load(PROMPTS, "role-chat")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> list[Dialogue]:
    return play("role-chat", N, tmp_path_factory.mktemp("role") / "run")


def test_a_hundred_and_twenty_characters_of_twelve_worlds_are_shipped_in_three_languages() -> None:
    level = SECTOR.level("scene")
    assert len(PROMPTS.data("sectors/role-chat/characters.toml")) == 12
    found = {language: {root.name for root in roots(PROMPTS, SECTOR, level, language)} for language in ("en", "zh")}
    assert all(len(names) == 120 for names in found.values())
    assert not found["en"] & found["zh"]


def test_dialogues_are_whole_and_of_three_to_eight_rounds(played: list[Dialogue]) -> None:
    assert_whole(played, "role-chat")
    rounds = Counter(len(dialogue.messages) // 2 for dialogue in played)
    assert set(rounds) >= {3, 4, 5, 6}
    assert sum(rounds[few] for few in (3, 4, 5)) > 0.5 * N


def test_most_characters_come_up_and_each_meets_its_own_situations(played: list[Dialogue]) -> None:
    found = Counter(dialogue.seed.topic for dialogue in played)
    assert len(found) >= 60
    assert max(found.values()) <= 0.04 * N
    pairs = Counter((dialogue.seed.topic, dialogue.seed.subtopic) for dialogue in played)
    assert all(situation for _, situation in pairs)
    assert max(pairs.values()) <= 10


def test_users_react_and_answer_more_than_elsewhere(played: list[Dialogue]) -> None:
    found = acts(played)
    assert 0.15 <= found["react"] / found.total() <= 0.28
    assert found["answer"] > 0.05 * found.total()
    statements = Counter(row["form"] for dialogue in played for row in listed(dialogue))
    assert statements["statement"] >= 0.4 * statements.total()


def test_users_are_grown_up_as_the_characters_world_asks(played: list[Dialogue]) -> None:
    ages = {str(dialogue.seed.extra["persona"]) for dialogue in played}
    assert not any("13-17" in age for age in ages)


def test_half_a_run_taken_up_again_is_the_run_that_never_stopped(played: list[Dialogue], tmp_path: Path) -> None:
    first = counted(play("role-chat", 40, tmp_path / "run"))
    again = counted(play("role-chat", 80, tmp_path / "run"))
    assert first.items() <= again.items() <= counted(played).items()


def test_characters_of_the_users_own_stand_for_ours(tmp_path: Path) -> None:
    (tmp_path / "characters.txt").write_text("a hangman in love\na cook who sings\n", encoding="utf-8")
    found = play("role-chat", 20, tmp_path / "run", input=tmp_path / "characters.txt")
    assert {dialogue.seed.topic for dialogue in found} == {"a hangman in love", "a cook who sings"}


@pytest.mark.parametrize("language", ["zh", "zh-TW"])
def test_it_is_played_in_chinese_as_well(language: str, tmp_path: Path) -> None:
    found = play("role-chat", 40, tmp_path / "run", language)
    assert_whole(found, "role-chat")
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in d.messages[-1].content) for d in found)


def test_a_doing_between_asterisks_is_no_fault_in_a_play() -> None:
    assert set(SECTOR.waived) == {"meta", "stage_direction"}
