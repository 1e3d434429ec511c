"""What a language is called, and which prompts serve it."""

import pytest

from dialogue.errors import UsageError
from prompts.loader import Prompts
from prompts.names import folder, language_name, tongue

PROMPTS = Prompts()


@pytest.mark.parametrize(
    ("language", "where"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("zh", "zh"),
        ("zh-CN", "zh"),
        ("zh-TW", "zh-TW"),
        ("zh-Hant", "zh-TW"),
        ("zh-HK", "zh-TW"),
        ("fr", "en"),
        ("pt-BR", "en"),
    ],
)
def test_a_language_is_served_by_its_own_folder_or_by_the_english_one(language: str, where: str) -> None:
    assert folder(PROMPTS, language) == where


def test_own_prompts_call_the_language_by_its_own_name_and_english_ones_by_the_english_name() -> None:
    assert tongue(PROMPTS, "zh").name == "简体中文"
    assert tongue(PROMPTS, "fr").name == "French"
    assert language_name(PROMPTS, "zh") == "Simplified Chinese"
    assert language_name(PROMPTS, "pt-BR") == "Portuguese"


def test_a_language_without_prompts_brings_its_places_and_its_unit_of_length() -> None:
    japanese = tongue(PROMPTS, "ja")
    assert japanese.foreign
    assert japanese.words["weights"]["locale"] == {"Japan": 100}
    assert japanese.words["per_word"] == 2.0
    assert japanese.words["acts"] == tongue(PROMPTS, "en").words["acts"]
    assert not tongue(PROMPTS, "en-GB").foreign


def test_every_language_of_the_list_can_be_asked_for() -> None:
    rows = PROMPTS.data("languages/names.toml")["languages"]
    assert len(rows) >= 60
    for code in rows:
        assert sum(tongue(PROMPTS, code).words["weights"]["locale"].values()) > 0


def test_an_unknown_language_is_refused_with_the_near_ones() -> None:
    with pytest.raises(UsageError, match=r"'zh_TW'.*names\.toml.*did you mean zh-TW"):
        folder(PROMPTS, "zh_TW")
    with pytest.raises(UsageError, match="'Klingon'"):
        tongue(PROMPTS, "Klingon")
