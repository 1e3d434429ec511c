"""Tasks for tools: whole in every language, and drawn so that the figures of each are its own."""

import re
from pathlib import Path

import pytest

from dialogue.errors import UsageError
from prompts.loader import Prompts
from prompts.sector import load
from prompts.tasks import TOOLS, kinds, searched, tool_plan, toolbox

PROMPTS = Prompts()
SECTOR = load(PROMPTS, "tool-use")
FILE = SECTOR.tool_file or ""
LANGUAGES = ("en", "zh", "zh-TW")
TEMPLATES = ("meta", "protocol", "results", "again")
FIGURE = re.compile(r"[0-9]+(?:\.[0-9]+)?")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_tasks_of_all_kinds_passages_and_templates(language: str) -> None:
    found = kinds(PROMPTS, FILE, language)
    assert {level: len(rows) >= 4 for level, rows in found.items()} == {"reckoning": True, "equation": True}
    assert all(kind.changing for rows in found.values() for kind in rows)
    box = toolbox(PROMPTS, FILE)
    assert set(box.goals) == set(box.facts) == set(LANGUAGES)
    assert len(searched(PROMPTS, FILE, None, language)) >= 12
    assert all(PROMPTS.path(f"tools/{language}/{name}.j2") for name in TEMPLATES)
    assert {level.name for level in SECTOR.levels} == set(box.tool_of)


def test_a_language_without_tasks_of_its_own_takes_those_of_its_base_or_english() -> None:
    assert kinds(PROMPTS, FILE, "zh-HK") is not kinds(PROMPTS, FILE, "zh")
    assert kinds(PROMPTS, FILE, "zh-HK") == kinds(PROMPTS, FILE, "zh")
    assert kinds(PROMPTS, FILE, "fr") == kinds(PROMPTS, FILE, "en")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("level", ["reckoning", "equation"])
def test_a_task_holds_all_figures_of_its_argument_and_another_one_later(language: str, level: str) -> None:
    for number in range(150):
        task = tool_plan(PROMPTS, SECTOR, language, level, 3, f"tu-{number}").task
        assert task is not None
        assert task.argument
        assert task.then_argument != task.argument
        assert task.then_figure in FIGURE.findall(task.then)
        own = {"1", "2", "12", "52", "100", "10000"}  # of the formula itself
        assert set(FIGURE.findall(task.argument)) - own <= set(FIGURE.findall(task.clause))
        assert "{" not in task.clause + task.argument + task.then


def test_the_tool_that_helps_is_mostly_on_and_each_tool_is_off_now_and_then() -> None:
    plans = [tool_plan(PROMPTS, SECTOR, "en", "lookup", 3, f"tu-{number}") for number in range(1000)]
    shares = {tool: sum(tool in plan.enabled for plan in plans) / len(plans) for tool in TOOLS}
    assert 0.8 < shares["Search"] < 0.9
    assert 0.45 < shares["Calculate"] < 0.55
    assert any(not plan.enabled for plan in plans)
    assert len({plan.task.passage for plan in plans if plan.task}) == len(searched(PROMPTS, FILE, None, "en"))


def test_a_persons_own_opener_and_another_sector_have_no_task() -> None:
    assert tool_plan(PROMPTS, SECTOR, "en", "reckoning", 3, "tu-1", own_opener=True).task is None
    assert tool_plan(PROMPTS, load(PROMPTS, "recall"), "en", "telling", 3, "rc-1").enabled == ()


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("{n} chairs at {p} each cost", "{m} chairs at {p} each cost", "no slot 'm'"),
        ("n = [4, 48]", "n = [4]", "no slot 'n'"),
        ("needed = 0.85", "needed = 1.85", "needed"),
        ("commands = 3", "commands = 0", "commands"),
        ('reckoning = "Calculate"', 'reckoning = "Weather"', "tool_of.reckoning"),
        ("[goals]\nen =", "[goals]\nfr =", "goals: expected lines for 'en'"),
        ("[[tasks.en.reckoning]]", "[[tasks.en.summing]]", "tasks: none of 'reckoning' in 'en'"),
    ],
)
def test_a_fault_of_the_file_is_named(tmp_path: Path, before: str, after: str, complaint: str) -> None:
    text = PROMPTS.read(FILE)
    assert before in text
    folder = tmp_path / FILE.rpartition("/")[0]
    folder.mkdir(parents=True)
    (folder / "tools.toml").write_text(text.replace(before, after), encoding="utf-8")
    prompts = Prompts(tmp_path)
    with pytest.raises(UsageError, match=complaint) as caught:
        tool_plan(prompts, SECTOR, "en", "reckoning", 0, "tu-1")
    assert "tools.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
