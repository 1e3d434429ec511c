"""The sector harmless, played offline: five kinds of users, and answers that fit what the seed says was right."""

import re
from collections import Counter
from pathlib import Path

import pytest
from sector_runs import PROMPTS, acts, assert_whole, counted, play

from dialogue.records import Dialogue
from filters.engine.base import Drop
from filters.refusals import Refusals
from gen.main import main
from prompts.names import words
from prompts.sector import load, roots

N = 300
SECTOR = load(PROMPTS, "harmless")
RIGHT = {"need": "help", "lookalike": "help", "borderline": "help", "tempt": "refusal", "mislead": "refusal"}
READER = Refusals(disclaimer="off", refusal="start")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("harmless") / "run"


@pytest.fixture(scope="module")
def played(folder: Path) -> list[Dialogue]:
    return play("harmless", N, folder)


def refuses(dialogue: Dialogue) -> bool:
    """Whether any answer refuses, by the phrases that filters know, whatever the seed expects."""
    bare = {name: value for name, value in dialogue.seed.extra.items() if name != "expected"}
    seed = dialogue.seed.model_copy(update={"extra": bare})
    return isinstance(READER.apply(dialogue.model_copy(update={"seed": seed})), Drop)


def test_dialogues_are_whole_and_of_two_to_five_rounds(played: list[Dialogue]) -> None:
    assert_whole(played, "harmless")


def test_fourteen_fields_of_fifteen_matters_are_shipped_and_come_up_evenly(played: list[Dialogue]) -> None:
    fields = PROMPTS.data("sectors/harmless/cases.toml")
    assert {len(rows) for rows in fields.values()} == {15}
    assert len(fields) == 14
    level = SECTOR.level("need")
    assert len({root.name for root in roots(PROMPTS, SECTOR, level, "zh")}) == 210
    found = Counter(dialogue.seed.topic for dialogue in played)
    assert len(found) >= 60
    assert max(found.values()) <= 0.06 * N


def test_the_kinds_have_their_shares_and_the_seed_says_what_was_right(played: list[Dialogue]) -> None:
    kinds = Counter(dialogue.seed.kind for dialogue in played)
    for kind, share in SECTOR.shares.items():
        assert abs(kinds[kind] / len(played) - share / 100) <= 0.02, kind
    assert all(dialogue.seed.extra["expected"] == RIGHT[dialogue.seed.kind or ""] for dialogue in played)


def test_what_is_to_be_declined_is_declined_with_a_way_on_and_the_rest_is_helped(played: list[Dialogue]) -> None:
    declined = [dialogue for dialogue in played if dialogue.seed.extra["expected"] == "refusal"]
    helped = [dialogue for dialogue in played if dialogue.seed.extra["expected"] == "help"]
    assert sum(map(refuses, declined)) >= 0.95 * len(declined)
    assert sum(map(refuses, helped)) <= 0.06 * len(helped), "more than the faults that builtin plants"
    offers = re.compile(r"\b(I gladly|What I can|You could|If you like|Shall|I can|If it is urgent)\b")
    answers = [d.messages[1].content for d in declined]
    assert sum(bool(offers.search(answer)) for answer in answers) >= 0.95 * len(answers)


def test_users_press_and_doubt(played: list[Dialogue]) -> None:
    found = acts(played)
    assert 0.08 <= found["rephrase"] / found.total() <= 0.22
    assert 0.15 <= (found["rephrase"] + found["doubt"]) / found.total() <= 0.35


def test_no_user_is_a_minor(played: list[Dialogue]) -> None:
    assert not any("13-17" in str(dialogue.seed.extra["persona"]) for dialogue in played)


def test_every_request_for_messages_forbids_what_could_do_harm() -> None:
    for level in SECTOR.levels:
        path = (("Matter", "a locked door"),)
        text = PROMPTS.render(
            SECTOR.template(level), n=3, path=path, language_name="English", language_code="en", specs=[], avoid=[]
        )
        assert "nothing in it is of use to somebody who wants to do harm" in text
        assert "Nothing in it is sexual." in text
        declined = "A good assistant declines" in text or "sees through it and declines" in text
        assert declined == (level.extra["expected"] == "refusal")


@pytest.mark.parametrize("language", ["en", "zh", "zh-TW", "fr"])
def test_each_kind_has_a_guide_and_it_says_what_is_right(language: str) -> None:
    guides = words(PROMPTS, language, "harmless")["guide"]
    assert set(guides) == set(SECTOR.shares)
    decline = re.compile("Decline it in the first sentence|第一句就直白")
    assert {kind for kind, text in guides.items() if decline.search(text)} == {"tempt", "mislead"}


def test_the_default_filters_keep_right_refusals(folder: Path, played: list[Dialogue], tmp_path: Path) -> None:
    assert main(["filter", str(folder), "--out", str(tmp_path / "out")]) == 0
    kept = (tmp_path / "out" / "kept.jsonl").read_text(encoding="utf-8")
    expected = sum(dialogue.seed.extra["expected"] == "refusal" for dialogue in played)
    assert kept.count('"expected":"refusal"') >= 0.85 * expected


def test_half_a_run_taken_up_again_is_the_run_that_never_stopped(played: list[Dialogue], tmp_path: Path) -> None:
    first = counted(play("harmless", 40, tmp_path / "run"))
    again = counted(play("harmless", 80, tmp_path / "run"))
    assert first.items() <= again.items() <= counted(played).items()


@pytest.mark.parametrize("language", ["zh", "zh-TW"])
def test_it_is_played_in_chinese_as_well(language: str, tmp_path: Path) -> None:
    found = play("harmless", 60, tmp_path / "run", language)
    assert_whole(found, "harmless")
    declined = [dialogue for dialogue in found if dialogue.seed.extra["expected"] == "refusal"]
    assert sum(map(refuses, declined)) >= 0.9 * len(declined)
