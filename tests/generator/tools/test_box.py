"""Every task that can be drawn has a result, and what stands in the seed."""

import pytest

from generator.tools.box import noted, tools_of
from prompts.loader import Prompts
from prompts.sector import load
from prompts.tasks import tool_plan

PROMPTS = Prompts()
SECTOR = load(PROMPTS, "tool-use")


@pytest.mark.parametrize("language", ["en", "zh", "zh-TW"])
@pytest.mark.parametrize("level", ["reckoning", "equation"])
def test_every_task_has_a_result_now_and_later(language: str, level: str) -> None:
    tools = tools_of(PROMPTS, SECTOR, language)
    for number in range(300):
        plan = tool_plan(PROMPTS, SECTOR, language, level, 1, f"tu-{number}")
        task = plan.task
        assert task is not None
        for argument in (task.argument, task.then_argument):
            found = tools[task.tool].call(argument or "")
            assert found.error is None, argument
            assert found.text
            assert "no solution" not in found.text
            assert "any number" not in found.text
            assert ": " not in found.text


@pytest.mark.parametrize("language", ["en", "zh", "zh-TW"])
def test_every_passage_is_found_by_its_name(language: str) -> None:
    tools = tools_of(PROMPTS, SECTOR, language)
    for number in range(60):
        task = tool_plan(PROMPTS, SECTOR, language, "lookup", 1, f"tu-{number}").task
        assert task is not None
        assert task.passage
        first = tools["Search"].call(task.passage).text.split("\n")[0]
        assert task.clause.partition(": ")[2][:20] in first


def test_the_seed_has_the_command_and_its_result() -> None:
    tools = tools_of(PROMPTS, SECTOR, "en")
    found = noted(tool_plan(PROMPTS, SECTOR, "en", "reckoning", 1, "tu-1"), tools)["tools"]
    assert isinstance(found, dict)
    assert isinstance(found["task"], dict)
    assert set(found["task"]) == {"tool", "asks", "command", "expected", "then"}
    looked = noted(tool_plan(PROMPTS, SECTOR, "en", "lookup", 1, "tu-1"), tools)["tools"]
    assert isinstance(looked, dict)
    assert isinstance(looked["task"], dict)
    assert set(looked["task"]) == {"tool", "passage"}
    assert tools_of(PROMPTS, load(PROMPTS, "recall"), "en") == {}
