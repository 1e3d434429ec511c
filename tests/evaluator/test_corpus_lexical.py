"""Lexical variety is measured as LexicalRichness does it."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from evaluator.corpus.lexical import hdd, lexical_words, mattr, mtld, ttr


@pytest.fixture(scope="module")
def case(shared: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared / "data/judge_cases/dataset_stats/mtld.json").read_bytes())
    return found


def test_the_published_text_has_the_published_figures(case: dict[str, Any]) -> None:
    words, published = lexical_words(case["text"]), case["published"]
    assert (len(words), len(set(words))) == (published["words"], published["terms"])
    assert ttr(words) == pytest.approx(published["ttr"], abs=1e-6)
    assert mtld(words) == pytest.approx(published["mtld_0.72"], abs=1e-6)
    assert mtld(words) == pytest.approx(46.7923, abs=1e-4)
    assert hdd(words) == pytest.approx(published["hdd_42"], abs=1e-6)
    assert mattr(words, 25) == pytest.approx(published["mattr_25"], abs=1e-6)


def test_digits_and_hyphens_vanish_and_other_marks_part_words() -> None:
    assert lexical_words("It's a well-known B2B site, (2010).") == ["it", "s", "a", "wellknown", "bb", "site"]
    assert lexical_words("It’s «a» naïve–bold idea…") == ["it", "s", "a", "naïve", "bold", "idea"]


def test_a_chinese_character_is_a_word_and_so_is_a_latin_run_beside_it() -> None:
    assert lexical_words("你好，Python世界！") == ["你", "好", "python", "世", "界"]


def test_a_line_separator_parts_words() -> None:
    assert lexical_words("one\u2028two") == ["one", "two"]


def test_a_text_without_a_repeated_word_counts_as_one_factor() -> None:
    assert mtld(list(range(30))) == 30
    assert mtld([]) == 0.0


def test_one_word_over_and_over_has_the_least_mtld() -> None:
    assert mtld(["a"] * 100) == 2.0


def test_mattr_is_the_mean_of_all_windows() -> None:
    words = random.Random(3).choices(range(40), k=300)
    windows = [len(set(words[at : at + 50])) / 50 for at in range(251)]
    assert mattr(words) == pytest.approx(sum(windows) / 251)
    assert mattr(words[:50]) == len(set(words[:50])) / 50
    assert mattr(words[:49]) is None


def test_hdd_is_the_mean_over_draws() -> None:
    draw = random.Random(5)
    words = draw.choices(range(30), k=120)
    drawn = [len(set(draw.sample(words, 42))) / 42 for _ in range(4000)]
    assert hdd(words) == pytest.approx(sum(drawn) / 4000, abs=0.005)
    assert hdd(words[:41]) is None
