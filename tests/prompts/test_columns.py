"""Wording of a sector's own people: what it puts in the place of a language's, and that it is as whole."""

import re
from typing import Any

import pytest

from dialogue.errors import UsageError
from prompts.loader import Prompts
from prompts.names import FORMS, columns, tongue, words

PROMPTS = Prompts()
CASES = [(language, column) for language in PROMPTS.folders("languages") for column in columns(PROMPTS, language)]
EVERY = pytest.mark.parametrize(("language", "column"), CASES)


def own(language: str, column: str) -> dict[str, Any]:
    return PROMPTS.data(f"languages/{language}/{column}.toml")


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in parts for text in texts(part)]


def test_every_folder_of_prompts_has_the_same_columns() -> None:
    assert {column for _, column in CASES} >= {"creation", "role", "harmless"}
    for language in PROMPTS.folders("languages"):
        assert columns(PROMPTS, language) == columns(PROMPTS, "en")


@EVERY
def test_a_column_words_what_its_language_words_and_the_same_in_all_languages(language: str, column: str) -> None:
    table, base, english = own(language, column), words(PROMPTS, language), own("en", column)
    assert set(table) == set(english)
    for name, rows in table.items():
        assert name == "guide" or name == "openers" or set(rows) <= set(base[name]), name
        if name != "openers":
            assert {key: set(row) for key, row in rows.items() if isinstance(row, dict)} == {
                key: set(row) for key, row in english[name].items() if isinstance(row, dict)
            }
            assert set(rows) == set(english[name]), name
    for group, cases in table.get("facts", {}).items():
        assert {case: len(pool) for case, pool in cases.items()} == {
            case: len(pool) for case, pool in english["facts"][group].items()
        }
        assert "list" in cases or set(cases) == set(base["facts"][group]), group


@EVERY
def test_every_act_has_six_wordings_that_fit_all_its_forms(language: str, column: str) -> None:
    for act, choices in own(language, column)["acts"].items():
        assert len(set(choices)) >= 6, act
        assert all(("{detail}" in choice) == (act in ("change_mind", "correct_belief")) for choice in choices)
    merged = words(PROMPTS, language, column)["acts"]
    for act in own(language, column)["acts"]:
        assert not [form for form in FORMS if f"{act}_{form}" in merged]


@EVERY
def test_no_text_holds_a_separator_a_bracket_of_the_end_signal_or_another_script(language: str, column: str) -> None:
    for text in texts(own(language, column)):
        assert not re.search(r"[⟦⟧]|\* \* \*|\n", text), text
        assert bool(re.search("[\u4e00-\u9fff]", text)) == (language != "en"), text


@EVERY
def test_variants_inside_a_text_are_closed(language: str, column: str) -> None:
    for text in texts(own(language, column)):
        left = re.sub(r"\{[^{}|]+(?:\|[^{}|]+)+\}", "", text)
        assert not re.search(r"[{}|]", left.replace("{detail}", "").replace("{language}", "")), text


def test_a_key_of_a_column_stands_for_the_languages_own_and_the_rest_stays() -> None:
    plain, creation = words(PROMPTS, "en"), words(PROMPTS, "en", "creation")
    assert creation["acts"]["deepen"] != plain["acts"]["deepen"]
    assert "deepen_question" not in creation["acts"]
    assert creation["acts"]["remind"] == plain["acts"]["remind"]
    assert creation["traits"]["length"] == plain["traits"]["length"]
    assert words(PROMPTS, "en", "world") == plain


def test_a_language_without_prompts_has_the_english_wording_of_a_column_and_its_own_places() -> None:
    japanese = tongue(PROMPTS, "ja", "creation")
    assert japanese.words["acts"] == tongue(PROMPTS, "en", "creation").words["acts"]
    assert japanese.words["weights"]["locale"] == {"Japan": 100}


def test_traits_have_wording_for_values_that_there_are() -> None:
    known = PROMPTS.data("users/traits.toml")["weights"]
    for language, column in CASES:
        for dimension, values in own(language, column).get("traits", {}).items():
            assert set(values) == set(words(PROMPTS, language)["traits"][dimension]) <= set(known[dimension])


def test_a_table_that_no_language_has_is_named_with_its_file(tmp_path: Any) -> None:
    folder = tmp_path / "languages" / "en"
    folder.mkdir(parents=True)
    (folder / "math.toml").write_text('[actts]\ndeepen = ["x"]\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"words.toml: no 'actts'"):
        words(Prompts(tmp_path), "en", "math")
