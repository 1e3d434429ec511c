"""Persons are drawn to the weights, one dimension at a time, and hang together."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from dialogue.errors import UsageError
from generator.user.personas import Persona, persona, pick, pool
from prompts.loader import Prompts

PROMPTS = Prompts()


@cache
def people(column: str = "world", language: str = "en", n: int = 2000) -> list[Persona]:
    return [persona(PROMPTS, language, column, 7, f"wq-{i}") for i in range(n)]


def overlay(tmp_path: Path, change: str, to: str) -> Prompts:
    text = PROMPTS.read("users/traits.toml")
    assert change in text
    (tmp_path / "users").mkdir()
    (tmp_path / "users/traits.toml").write_text(text.replace(change, to), encoding="utf-8")
    return Prompts(tmp_path)


def test_a_key_gives_the_same_person_again() -> None:
    assert people(n=50) == people(n=50)
    assert len({person.id for person in people()}) > 1990


@pytest.mark.parametrize("dimension", ["knowledge", "courtesy", "emotion", "reaction", "ending", "device", "locale"])
def test_a_dimension_without_couplings_comes_out_as_weighted(dimension: str) -> None:
    found = Counter(person.traits[dimension] for person in people())
    weights = PROMPTS.data("users/traits.toml")["weights"] | PROMPTS.data("languages/en/words.toml")["weights"]
    total = sum(weights[dimension].values())
    assert sum(abs(found[v] / 2000 - w / total) for v, w in weights[dimension].items()) / 2 < 0.04


def test_a_dimension_added_reshuffles_none_of_the_others(tmp_path: Path) -> None:
    prompts = overlay(tmp_path, "[weights]\n", "[weights]\nmood = { low = 1, high = 2 }\n")
    for i in range(200):
        before, after = (persona(p, "en", "world", 7, i) for p in (PROMPTS, prompts))
        assert "mood" in after.traits
        assert before.traits == {name: value for name, value in after.traits.items() if name != "mood"}
        assert (before.situation, before.habits) == (after.situation, after.habits)


def test_the_parts_of_a_person_fit_together() -> None:
    for person in people():
        traits = person.traits
        assert (traits["age"] == "13-17") == (traits["occupation"] == "pupil")
        assert traits["occupation"] != "retired" or traits["age"] in ("50-64", "65+")
        assert traits["command"] != "basic" or (traits["register"], traits["typing"]) not in [("formal", "clean")]
        assert traits["command"] != "basic" or traits["typing"] != "clean"
        assert traits["device"] != "phone" or traits["length"] != "long"
        assert traits["command"] == "native" or traits["register"] != "casual"
        assert traits["register"] != "formal" or traits["reaction"] != "complains"
        assert traits["emotion"] != "annoyed" or traits["courtesy"] != "polite"
        assert traits["device"] != "dictated" or traits["register"] not in ("telegraphic", "formal")
        assert traits["setting"] != "study" or traits["occupation"] in ("pupil", "student")
        assert traits["experience"] != "power" or traits["disclosure"] == "all_at_once"


def test_what_is_on_their_mind_fits_their_age() -> None:
    concerns = PROMPTS.data("languages/en/words.toml")["situation"]["concerns"]
    for person in people():
        texts = concerns.get(person.traits["age"], concerns["list"])
        assert any(person.concern in variants for variants in pool(texts))


def test_minors_come_only_to_sectors_for_all_ages() -> None:
    assert any(person.traits["age"] == "13-17" for person in people("math", n=300))
    assert not any(person.traits["age"] == "13-17" for person in people("domain", n=600))


def test_at_most_five_habits_are_shown_and_none_for_neutral_traits() -> None:
    shown = Counter(len(person.habits) for person in people())
    assert max(shown) == 5
    assert min(shown) >= 1
    wording = PROMPTS.data("languages/en/words.toml")["traits"]
    for person in people(n=200):
        for habit in person.habits:
            assert any(wording.get(name, {}).get(value) == habit for name, value in person.traits.items())


def test_situations_are_many_and_name_no_assistant() -> None:
    situations = {person.situation for person in people()}
    assert len(situations) > 1200
    assert not any("assistant" in text.split() or "{" in text for text in situations)


def test_a_language_brings_its_own_weights() -> None:
    natives = sum(person.traits["command"] == "native" for person in people(language="zh", n=1000))
    assert natives > 900
    assert {person.traits["locale"] for person in people(language="ja", n=20)} == {"Japan"}


def test_a_coupling_of_an_unknown_dimension_is_refused(tmp_path: Path) -> None:
    prompts = overlay(tmp_path, "when = { device", "when = { devize")
    with pytest.raises(UsageError, match="no dimension 'devize'"):
        persona(prompts, "en", "world", 1)


def test_variants_are_all_reached_and_other_braces_stay() -> None:
    choices = pool(["a {b|c} d {e|f}", "{detail} alone"])
    assert [pick(choices, u)[0] for u in (0, 0.13, 0.26, 0.38, 0.5, 0.99)] == [
        "a b d e",
        "a b d f",
        "a c d e",
        "a c d f",
        "{detail} alone",
        "{detail} alone",
    ]
