"""The sector creation, played offline: twenty kinds of writing, four in five requests with detail."""

from collections import Counter
from pathlib import Path
from statistics import median

import pytest
from sector_runs import PROMPTS, acts, assert_whole, counted, play

from dialogue.records import Dialogue
from prompts.sector import load, roots

N = 300


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> list[Dialogue]:
    return play("creation", N, tmp_path_factory.mktemp("creation") / "run")


def test_dialogues_are_whole_and_of_two_to_four_rounds(played: list[Dialogue]) -> None:
    assert_whole(played, "creation")
    assert {len(dialogue.messages) // 2 for dialogue in played} == {2, 3, 4}


def test_all_twenty_kinds_of_writing_come_up_and_none_dominates(played: list[Dialogue]) -> None:
    sector = load(PROMPTS, "creation")
    kinds = {root.name for root in roots(PROMPTS, sector, sector.level("instruction"), "en")}
    found = Counter(dialogue.seed.topic for dialogue in played)
    assert set(found) == kinds
    assert len(kinds) == 20
    assert max(found.values()) <= 0.15 * N


def test_four_in_five_openers_have_detail_and_know_the_plain_request_they_grew_from(played: list[Dialogue]) -> None:
    detailed = [dialogue for dialogue in played if dialogue.seed.kind == "detailed"]
    assert 0.78 <= len(detailed) / len(played) <= 0.82
    for dialogue in played:
        origin = dialogue.seed.extra.get("from")
        assert (origin is not None) == (dialogue.seed.kind == "detailed")
        assert not isinstance(origin, dict) or origin["request"] != dialogue.messages[0].content
        assert dialogue.seed.subtopic
    plain = [d for d in played if d.seed.kind == "instruction"]
    lengths = [median(len(d.messages[0].content.split()) for d in some) for some in (detailed, plain)]
    assert lengths[0] > lengths[1]


def test_users_ask_to_extend_and_to_better_more_than_for_anything_else(played: list[Dialogue]) -> None:
    found = acts(played)
    assert sum(found[act] for act in ("refine", "more", "reveal", "change")) >= 0.55 * found.total()


def test_answers_are_pieces_of_writing_and_no_two_alike(played: list[Dialogue]) -> None:
    answers = [message.content for dialogue in played for message in dialogue.messages if message.role == "assistant"]
    assert len(set(answers)) >= 0.98 * len(answers)
    assert sum("\n\n" in answer for answer in answers) >= 0.5 * len(answers)


def test_half_a_run_taken_up_again_is_the_run_that_never_stopped(played: list[Dialogue], tmp_path: Path) -> None:
    first = counted(play("creation", 40, tmp_path / "run"))
    again = counted(play("creation", 80, tmp_path / "run"))
    assert first.items() <= again.items() <= counted(played).items()


@pytest.mark.parametrize("language", ["zh", "zh-TW"])
def test_it_is_played_in_chinese_as_well(language: str, tmp_path: Path) -> None:
    found = play("creation", 40, tmp_path / "run", language)
    assert_whole(found, "creation")
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in d.messages[-1].content) for d in found)
