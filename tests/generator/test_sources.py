from pathlib import Path

import pytest

from dialogue.errors import UsageError
from gen.config import run_settings
from generator.sources import capacity, check_capacity, check_input, identify, streams
from prompts.loader import Prompts
from prompts.sector import load

PROMPTS = Prompts()
SECTOR = load(PROMPTS, "world-questions")


def found(**flags: str):  # type: ignore[no-untyped-def]
    settings = run_settings({"sector": "world-questions", "n": "9", "endpoint": "builtin", **flags}, environ={})
    return settings, streams(settings, PROMPTS, SECTOR)


def test_there_is_room_for_a_hundred_thousand_with_forty_percent_to_spare() -> None:
    _, all_streams = found()
    total = sum(stream.weight for stream in all_streams)
    for stream in all_streams:
        assert stream.shelf.capacity >= 140_000 * stream.weight / total, stream.name


def test_more_than_the_tree_can_give_is_refused_with_both_numbers() -> None:
    settings, all_streams = found(n="9000000")
    with pytest.raises(UsageError, match=f"9,000,000.*at most {capacity(all_streams):,} openers"):
        check_capacity(settings, SECTOR, all_streams)


def test_an_input_is_refused_where_the_sector_takes_none(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("Oslo\n")
    settings, _ = found(input=str(tmp_path / "mine.txt"))
    check_input(settings, SECTOR)
    none = SECTOR.model_copy(
        update={"sources": tuple(one.model_copy(update={"input": False}) for one in SECTOR.sources)}
    )
    with pytest.raises(UsageError, match=r"--input .*mine.txt: the sector world-questions takes none; leave it out"):
        check_input(settings, none)


def test_every_language_has_its_streams_and_their_shares() -> None:
    _, all_streams = found(language="zh-TW:3,en:1")
    weight = {
        language: sum(s.weight for s in all_streams if s.name.startswith(language)) for language in ("en/", "zh-TW/")
    }
    assert weight["zh-TW/"] == pytest.approx(3 * weight["en/"])


def test_another_seed_shuffles_the_roots_and_changes_the_ids() -> None:
    _, first = found(seed="1")
    _, second = found(seed="2")
    assert first[0].shelf.example_path() != second[0].shelf.example_path()
    assert identify(1, SECTOR, "en/question/0/0") != identify(2, SECTOR, "en/question/0/0")
    assert identify(1, SECTOR, "en/question/0/0").startswith("wq-")
