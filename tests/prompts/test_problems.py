"""Problems: whole in every language, with figures of their own and answers that come out even."""

from fractions import Fraction
from pathlib import Path

import pytest

from dialogue.errors import UsageError
from dialogue.solutions import FIGURE
from generator.marking import answer_of, problem_of
from prompts.loader import Prompts
from prompts.sector import load
from prompts.tasks import kinds, problems, tool_plan

PROMPTS = Prompts()
SECTOR = load(PROMPTS, "school-math")
FILE = SECTOR.problem_file or ""
LANGUAGES = ("en", "zh", "zh-TW")
LEVELS = ("arithmetic", "percent", "equation")
OF_THE_FORMULA = {"1", "1.5", "2", "3", "4", "10", "12", "20", "40", "50", "100"}
EACH = pytest.mark.parametrize(("language", "level"), [(code, level) for code in LANGUAGES for level in LEVELS])


@EACH
def test_every_level_has_problems_of_several_kinds_in_which_one_figure_changes(language: str, level: str) -> None:
    rows = kinds(PROMPTS, FILE, language)[level]
    assert len(rows) >= 4
    assert all(len(kind.changing) == 1 for kind in rows)
    assert all(set(kind.slots) == {s for s in kind.slots if f"{{{s}}}" in kind.task} for kind in rows)
    assert set(problems(PROMPTS, FILE).tool_of) == set(LEVELS)


@EACH
def test_every_answer_is_computed_positive_and_even(language: str, level: str) -> None:
    for number in range(400):
        plan = tool_plan(PROMPTS, SECTOR, language, level, 3, f"sm-{number}")
        found = problem_of(SECTOR, plan)
        assert found is not None
        assert set(FIGURE.findall(found.argument)) - OF_THE_FORMULA <= set(found.figures)
        assert len(found.then.figures) == 1
        assert found.then.argument != found.argument
        for answer in (found.answer, found.then.answer):
            assert Fraction(answer) >= 0
            assert (Fraction(answer) * 100).denominator == 1, found


def test_a_language_without_problems_of_its_own_takes_the_english_ones() -> None:
    assert kinds(PROMPTS, FILE, "fr") == kinds(PROMPTS, FILE, "en")


def test_a_persons_own_opener_and_another_sector_have_no_problem() -> None:
    assert tool_plan(PROMPTS, SECTOR, "en", "percent", 3, "sm-1", own_opener=True).task is None
    recall = load(PROMPTS, "recall")
    assert problem_of(recall, tool_plan(PROMPTS, recall, "en", "telling", 3, "rc-1")) is None


@pytest.mark.parametrize("argument", ["x = x + 1", "x + y = 3", "x * x = 4", "nonsense"])
def test_an_equation_without_one_answer_is_an_error(argument: str) -> None:
    with pytest.raises(UsageError, match="expected one figure"):
        answer_of("Solve", argument)


def test_a_fault_of_the_file_is_named(tmp_path: Path) -> None:
    folder = tmp_path / FILE.rpartition("/")[0]
    folder.mkdir(parents=True)
    text = PROMPTS.read(FILE).replace('percent = "Calculate"', 'percent = "Guess"')
    (folder / "problems.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"problems.toml: tool_of.percent"):
        tool_plan(Prompts(tmp_path), SECTOR, "en", "percent", 0, "sm-1")
