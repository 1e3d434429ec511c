"""Chains from tables: every filter there is, every preset, and complaints that name the place."""

import shutil
from pathlib import Path

import pytest

from dialogue.errors import UsageError
from filters.engine.base import CorpusFilter, Filter, sources
from filters.engine.chain import FOLDER, chain, filter_class, names, preset, presets
from gen.filter_reference import page


@pytest.mark.parametrize("name", names())
def test_every_file_is_a_filter_whose_settings_are_all_documented(name: str) -> None:
    kind = filter_class(name)
    assert issubclass(kind, Filter | CorpusFilter)
    assert kind.__doc__
    for setting, field in kind.model_fields.items():
        assert field.description, f"{name}.{setting} has no docstring"


@pytest.mark.parametrize("name", presets())
def test_every_preset_makes_a_chain(name: str) -> None:
    assert chain(preset(name), name)


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ([{"use": "minhash"}], "no filters/minhash.py"),
        ([{"use": "near_duplicate"}], "did you mean near_duplicates"),
        ([{"use": "near_duplicates", "treshold": 0.8}], "did you mean threshold"),
        ([{"use": "near_duplicates", "threshold": "high"}], 'threshold = "high": expected a number'),
        ([{"use": "turns"}, {"threshold": 0.8}], "x[1]: expected a table with `use`"),
        ([{"use": "length", "most_words": float("inf")}], "length: most_words = inf: expected a finite number"),
        ([{"use": "length", "most_words": "none"}], "most_words"),
        ([{"use": "near_duplicates", "prefer": "score.quality"}], "no 'score'; did you mean scores or sector?"),
        ([{"use": "__init__"}], "no filters/__init__.py"),
        ([{"use": "../gen/main"}], "no filters/"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(tables: list[dict[str, object]], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        chain(tables, "x")
    assert says in str(caught.value)
    assert "x[" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_same_filter_twice_has_two_names() -> None:
    tables = [{"use": "near_duplicates"}, {"use": "near_duplicates", "level": "opener"}]
    assert [step.name for step in chain(tables, "x")] == ["near_duplicates", "near_duplicates-2"]


def test_a_key_stands_for_settings_and_for_the_edits_before() -> None:
    plain, other, behind = (
        chain(tables, "x")[-1].key
        for tables in (
            [{"use": "turns"}],
            [{"use": "turns", "least_rounds": 2}],
            [{"use": "politeness"}, {"use": "turns"}],
        )
    )
    assert len({plain, other, behind}) == 3
    assert plain == chain([{"use": "length"}, {"use": "turns"}], "x")[-1].key


def test_a_limit_can_be_taken_off() -> None:
    (step,) = chain([{"use": "length", "most_words": "off", "least_words": 3}], "x")
    assert step.filter.model_dump(include={"most_words", "least_words"}) == {"most_words": None, "least_words": 3}


@pytest.mark.parametrize(
    "name", ["filters/phrases/refusals.toml", "dialogue/phrases/en.toml", "filters/privacy/known.toml"]
)
def test_a_change_in_code_or_phrases_asks_for_other_verdicts(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    shutil.copy(FOLDER.parent / name, tmp_path / name)
    before = sources(tmp_path)
    with (tmp_path / name).open("a") as file:
        file.write("# one word more")
    sources.cache_clear()
    assert sources(tmp_path) != before


def test_the_reference_page_is_what_the_code_says(pytestconfig: pytest.Config) -> None:
    written = (pytestconfig.rootpath / "docs/filters.md").read_text("utf-8")
    assert written == page(), "run: python -m gen.filter_reference > docs/filters.md"
