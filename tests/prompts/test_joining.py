"""Kinds of instruction and the shapes that join them with a passage."""

from collections import Counter
from pathlib import Path

import pytest

from dialogue.errors import UsageError
from prompts.joining import INSTRUCTION, PASSAGE, Joins, joins, shape_of
from prompts.loader import Prompts
from prompts.wants import kinds_of

FILE = "sectors/materials/instructions.toml"
PROMPTS = Prompts()


@pytest.mark.parametrize("language", ["en", "zh", "zh-TW", "fr", "en-GB"])
def test_every_language_has_seven_shapes_and_more_in_both_orders(language: str) -> None:
    found = joins(PROMPTS, FILE, language)
    first = Counter(shape.index(PASSAGE) < shape.index(INSTRUCTION) for shape in found.shapes.values())
    assert len(set(found.shapes.values())) >= 7
    assert min(first[True], first[False]) >= 3
    assert sum(found.kinds.values()) == 100


def test_a_passage_stands_word_for_word_whatever_is_in_it() -> None:
    passage = 'a {instruction} and {passage} {0} {{ n }} "quoted" \\n'
    found = joins(PROMPTS, FILE, "en")
    for shape, text in found.shapes.items():
        before, after = found.around(shape, passage)
        assert (before + "DO" + after).count(passage) == 1
        assert (before == "") == text.startswith(INSTRUCTION)


def test_a_list_has_no_kind_twice_and_a_longer_one_begins_alike() -> None:
    found = joins(PROMPTS, FILE, "en")
    seen: Counter[str] = Counter()
    for number in range(2000):
        kinds = kinds_of(found, 5, 0, number)
        assert len(set(kinds)) == 5
        assert list(kinds_of(found, 3, 0, number)) == list(kinds)[:3]
        seen[kinds[0]] += 1
    for kind, weight in found.kinds.items():
        assert abs(seen[kind] / 2000 - weight / 100) < 0.04
    shapes = Counter(shape_of(found, 0, number) for number in range(4000))
    assert min(shapes.values()) > 400


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('under = "{passage}', 'under = "{passages}', r"shapes.under: expected one \{passage\}"),
        ("judge = 7", "judge = 7\npraise = 3", "wants: "),
    ],
)
def test_a_file_that_does_not_hang_together_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    path.write_text(PROMPTS.read(FILE).replace(old, new), encoding="utf-8")
    with pytest.raises(UsageError, match=complaint):
        joins(Prompts(tmp_path), FILE, "en")


def test_a_form_of_its_own_goes_before_the_default() -> None:
    found: Joins = joins(PROMPTS, FILE, "en")
    assert found.form_weights("question") == {"question": 100}
    assert found.form_weights("make") == found.forms["default"]
