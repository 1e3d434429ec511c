"""The data of the user simulator in every language: whole, alike in shape, and free of what must not be said."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from prompts.loader import Prompts

PROMPTS = Prompts()
LANGUAGES = PROMPTS.folders("languages")
OTHERS = [language for language in LANGUAGES if language != "en"]
ACTS = PROMPTS.data("users/acts.toml")
TRAITS = PROMPTS.data("users/traits.toml")
FREE = {"weights", "openings", "openers"}
FORMS = ("_begun", "_question", "_imperative", "_statement")
"""Tables whose keys are words of the language."""


def wording(language: str) -> dict[str, Any]:
    return PROMPTS.data(f"languages/{language}/words.toml")


def keys(table: Mapping[str, Any], path: str = "") -> set[str]:
    found = set()
    for name, value in table.items():
        where = f"{path}.{name}" if path else name
        found.add(where)
        if isinstance(value, dict) and path.split(".")[0] not in FREE and name not in FREE:
            found |= keys(value, where)
    return found


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for name, part in value.items() for text in [name, *texts(part)]]
    return [text for part in value for text in texts(part)] if isinstance(value, list) else []


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_the_keys_of_english(language: str) -> None:
    assert keys(wording(language)) == keys(wording("en"))
    for table in ("openings", "openers"):
        assert set(wording(language)[table]) == set(wording("en")[table])


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_as_many_facts_of_each_kind_as_english(language: str) -> None:
    for group, cases in wording("en")["facts"].items():
        assert {case: len(pool) for case, pool in wording(language)["facts"][group].items()} == {
            case: len(pool) for case, pool in cases.items()
        }


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_a_hundred_facts_and_more(language: str) -> None:
    assert sum(len(pool) for cases in wording(language)["facts"].values() for pool in cases.values()) >= 100


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_act_and_form_and_sector_and_value_that_code_draws_has_wording(language: str) -> None:
    words = wording(language)
    acts = {act for shares in ACTS["shares"].values() for act in shares}
    plain = {act for act in words["acts"] if not act.endswith(FORMS)}
    assert acts | {"change_mind", "correct_belief", "doubt_right"} == plain
    assert all(act.rpartition("_")[0] in plain for act in set(words["acts"]) - plain)
    assert all(len(set(choices)) >= 6 for choices in words["acts"].values())
    assert set(words["samples"]) == set(TRAITS["weights"]["register"])
    assert {kind for values in ACTS["unused"].values() for kind in values.values()} <= set(words["first_words"])
    assert set(words["sectors"]) == set(ACTS["shares"])
    assert set(words["forms"]) == set(ACTS["forms"]["default"]) == set(words["opener"]["forms"])
    assert set(words["situation"]["age"]) == set(TRAITS["weights"]["age"])
    assert set(words["situation"]["occupation"]) == set(TRAITS["weights"]["occupation"])
    assert set(words["facts"]["purpose"]) == {*TRAITS["weights"]["setting"], "pupil"}
    assert set(words["facts"]) == set(PROMPTS.data("users/goals.toml")["groups"])
    assert set(words["facts"]["prior"]) == set(words["opener"]["knowledge"]) == set(TRAITS["weights"]["knowledge"])
    assert set(words["goal"]) == set(TRAITS["weights"]["clarity"])
    for dimension, values in words["traits"].items():
        assert dimension in TRAITS["show"]
        assert set(values) <= set(TRAITS["weights"][dimension])


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_the_acts_about_something_have_a_slot_for_it(language: str) -> None:
    for act, choices in wording(language)["acts"].items():
        for choice in choices:
            assert ("{detail}" in choice) == (act in ("change_mind", "correct_belief", "remind"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_holds_a_separator_a_bracket_of_the_end_signal_or_praise_as_an_opening(language: str) -> None:
    for text in texts(wording(language)):
        assert not re.search(r"[⟦⟧]|\* \* \*|\n", text), text
    praise = re.compile(r"great|wow|awesome|amazing|thanks|太棒|真棒|厉害|厲害|谢|謝|感谢|感謝", re.IGNORECASE)
    for table in ("openings", "openers"):
        assert not [text for text in texts(wording(language)[table]) if praise.match(text)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_openings_leave_room_for_a_dialogue_of_many_turns(language: str) -> None:
    for name, table in wording(language)["openings"].items():
        assert len(table) >= 20, name
        assert max(table.values()) <= 0.2 * sum(table.values())


def test_shares_of_every_column_sum_to_a_hundred_and_know_the_same_acts() -> None:
    first = next(iter(ACTS["shares"].values()))
    for shares in ACTS["shares"].values():
        assert set(shares) == set(first)
        assert sum(shares.values()) == 100
    repairs = {
        name: shares["correct"] + shares["doubt"] + shares["rephrase"]
        for name, shares in ACTS["shares"].items()
        if name not in ACTS["brief"]
    }
    assert all(8 <= repair <= 30 for repair in repairs.values()), repairs
    assert set(ACTS["brief"]) | set(ACTS["forms"]["column_acts"]) <= set(ACTS["shares"])
    assert set(TRAITS["bare"]["columns"]) <= set(ACTS["shares"])
    assert set(TRAITS["bare"]["hidden"]) <= set(TRAITS["show"])
    assert set(ACTS["riders"]) | set(ACTS["carriers"]) <= set(first)
    assert set(PROMPTS.data("users/goals.toml")["facts"]) == set(ACTS["shares"])


def test_dimensions_that_steer_the_acts_exist_with_these_values() -> None:
    for dimension, values in ACTS["persona"].items():
        assert set(values) <= set(TRAITS["weights"][dimension])
        for times in values.values():
            assert all(0.3 <= factor <= 3 for factor in times.values())
    assert set(ACTS["leaves"]) <= set(TRAITS["weights"]["ending"])
    assert set(ACTS["lengths"]) == set(ACTS["opener"]["lengths"]) == set(TRAITS["weights"]["length"])
    assert len(TRAITS["weights"]) + 1 == 19, "with the place, which goes by the language"
