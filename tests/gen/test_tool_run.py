"""The sector tool-use from one command to the next: played offline, resumed, exported, filtered."""

import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from dialogue.formats import moss
from dialogue.records import Dialogue, decode
from gen.api import run
from gen.main import main
from generator.tools.calculator import Calculator
from generator.tools.solver import Solver
from prompts.tasks import TOOLS

N = 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tools") / "run"
    run(sector="tool-use", n=N, endpoint="builtin", language="en:3,zh:1,zh-TW:1", out=out)
    return out


@pytest.fixture(scope="module")
def played(folder: Path) -> list[Dialogue]:
    return [decode(orjson.loads(line)) for line in (folder / "dialogues.jsonl").open("rb")]


def tools(dialogue: Dialogue) -> dict[str, Any]:
    found = dialogue.seed.extra["tools"]
    assert isinstance(found, dict)
    return found


def commands(dialogue: Dialogue) -> list[str]:
    calls = [call for message in dialogue.messages for call in message.tool_calls or ()]
    return [str(call["raw"]) for call in calls if isinstance(call, dict)]


def test_nearly_all_are_played_and_nothing_else_is_lost_than_what_builtin_plants(folder: Path) -> None:
    summary = orjson.loads((folder / "summary.json").read_bytes())
    assert summary["dialogues"] >= 0.97 * N
    assert summary["status"] in (0, 1)


def test_a_turn_is_an_answer_or_commands_results_and_an_answer(played: list[Dialogue]) -> None:
    for dialogue in played:
        letters = "".join(
            "c" if message.tool_calls else message.role[0] for message in dialogue.messages
        )  # system, user, command, tool, assistant
        assert re.fullmatch(r"s(u(ct)?a)+", letters), letters
        for message in dialogue.messages:
            if message.role == "assistant":
                assert message.thoughts
                assert bool(message.content) != bool(message.tool_calls)


def test_tools_go_on_and_off_and_one_that_is_off_is_never_used(played: list[Dialogue]) -> None:
    seen = {tuple(tools(dialogue)["enabled"]) for dialogue in played}
    assert len(seen) >= 6
    for dialogue in played:
        enabled = tools(dialogue)["enabled"]
        system = dialogue.messages[0].content
        assert [tool for tool in TOOLS if f'{tool}("' in system] == enabled
        assert {command.partition("(")[0] for command in commands(dialogue)} <= set(enabled)
    used = {command.partition("(")[0] for dialogue in played for command in commands(dialogue)}
    assert used == set(TOOLS)


def test_a_task_has_its_command_and_its_result_in_the_seed(played: list[Dialogue]) -> None:
    right = wrong = 0
    for dialogue in played:
        task = tools(dialogue)["task"]
        if task["tool"] == "Search":
            assert task["passage"]
            continue
        calculator = Calculator() if task["tool"] == "Calculate" else Solver()
        argument = orjson.loads(task["command"].partition("(")[2][:-1])
        assert calculator.call(argument).text == task["expected"]
        assert all(math.isfinite(float(figure)) for figure in re.findall(r"[0-9.]*[0-9]", task["expected"]))
        first = dialogue.messages[2]
        if first.tool_calls:
            same = f"{task['command']} =>" in dialogue.messages[3].content.replace("\n", " ")
            right, wrong = right + same, wrong + (not same)
    assert right > 2.5 * wrong > 0


def test_what_comes_out_later_changes_a_figure_and_is_worked_out_anew(played: list[Dialogue]) -> None:
    anew = missed = 0
    for dialogue in played:
        task, enabled = tools(dialogue)["task"], tools(dialogue)["enabled"]
        if task["tool"] == "Search" or task["tool"] not in enabled:
            continue
        assert task["then"]["command"] != task["command"]
        done = task["then"]["command"] in commands(dialogue)
        anew, missed = anew + done, missed + (not done)
        acts = dialogue.seed.extra["acts"]
        assert isinstance(acts, list)
        assert [act["release"] for act in acts if isinstance(act, dict) and "release" in act] == [task["then"]["fact"]]
    assert anew > 3 * missed


def test_errors_and_empty_results_are_kept_and_answered(played: list[Dialogue]) -> None:
    errors = empty = 0
    for dialogue in played:
        for place, message in enumerate(dialogue.messages):
            if message.role == "tool" and "=> Error: " in message.content:
                errors += 1
                assert dialogue.messages[place + 1].content
            empty += message.role == "tool" and message.content.endswith("=> No results.")
    assert errors
    assert empty


def test_the_user_never_sees_a_command_and_its_prompt_has_none(played: list[Dialogue]) -> None:
    for dialogue in played:
        for message in dialogue.messages:
            if message.role == "user":
                assert "=>" not in message.content
                assert "Command" not in message.content


def test_a_run_killed_after_any_event_goes_on_without_loss_or_repeat(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    turns = run(sector="tool-use", n=4, endpoint="builtin", out=whole, seed=3)["tally"]["turns"]
    journal = (whole / "journal.jsonl").read_bytes().splitlines(keepends=True)
    wanted = _lines(whole)
    kinds = [orjson.loads(line) for line in journal]
    between = [place for place, event in enumerate(kinds) if event.get("message", {}).get("tool_calls")]
    assert between
    requests = sum(event["usage"]["requests"] for event in kinds if "usage" in event)
    for place in sorted({1, 2, *(place + 1 for place in between), *(place + 2 for place in between), len(journal) - 1}):
        cut = tmp_path / f"cut-{place}"
        cut.mkdir()
        for name in ("run.json", "openers.jsonl", "lists.jsonl"):
            shutil.copy(whole / name, cut)
        kept = [line for line, event in zip(journal[:place], kinds, strict=False) if event["k"] == "turn"]
        (cut / "journal.jsonl").write_bytes(b"".join(kept))
        summary = run(sector="tool-use", n=4, endpoint="builtin", out=cut, seed=3)
        assert _lines(cut) == wanted
        assert summary["tally"]["turns"] == turns
        events = [orjson.loads(line) for line in (cut / "journal.jsonl").read_bytes().splitlines()]
        assert sum(event["usage"]["requests"] for event in events if "usage" in event) == requests


def _lines(folder: Path) -> dict[str, Any]:
    rows = [orjson.loads(line) for line in (folder / "dialogues.jsonl").open("rb")]
    return {row["id"]: {**row, "created": None} for row in rows}


def test_every_dialogue_goes_to_moss_and_back(played: list[Dialogue]) -> None:
    for dialogue in played:
        back = moss.from_object(orjson.loads(moss.to_line(dialogue)))
        assert [(m.role, m.content) for m in back.messages] == [(m.role, m.content) for m in dialogue.messages]
        assert commands(back) == commands(dialogue)
        assert "moss" not in str(moss.losses(dialogue))


def test_the_filters_keep_most_of_it(folder: Path, tmp_path: Path) -> None:
    assert main(["filter", str(folder), "--out", str(tmp_path / "out")]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert report["kept"] >= 0.75 * report["read"], report["filters"]


@pytest.mark.parametrize("language", ["en", "zh", "zh-TW", "fr"])
def test_every_prompt_is_shown_in_every_language(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sectors", "show", "tool-use", "--language", language]) == 0
    shown = capsys.readouterr().out
    assert 'Calculate("' in shown
    assert "=== assistant, asked again: disabled_tool ===" in shown
    assert "None" not in shown
    assert "{{" not in shown


def test_a_plan_counts_commands_and_sends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--sector", "tool-use", "--n", "50", "--endpoint", "builtin", "--json"]
    assert main(["plan", *arguments]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["by_role"]["assistant"]["requests"] > 1.4 * 50 * plan["mean_rounds"]
    assert "\nCommand: " in plan["prompts"]["assistant"]


def test_a_users_passages_are_searched_in_the_place_of_the_sectors_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(
        '{"name": "Zorb depot", "text": "The Zorb depot opens at five and sells zorbs."}\n', encoding="utf-8"
    )
    out = tmp_path / "run"
    run(sector="tool-use", n=12, endpoint="builtin", out=out, input=file)
    found = [decode(orjson.loads(line)) for line in (out / "dialogues.jsonl").open("rb")]
    asked = [tools(dialogue)["task"] for dialogue in found if dialogue.seed.kind == "lookup"]
    assert {task["passage"] for task in asked} == {"Zorb depot"}
    assert any(
        "opens at five" in message.content for one in found for message in one.messages if message.role == "tool"
    )


def test_a_file_of_passages_that_is_none_is_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"name": "x"}\n')
    arguments = ["run", "--sector", "tool-use", "--n", "2", "--endpoint", "builtin", "--out", str(tmp_path / "run")]
    assert main([*arguments, "--input", str(file)]) == 2
    assert "bad.jsonl:1: no text" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_system_prompt_of_the_users_stands_above_the_tools(tmp_path: Path) -> None:
    system = tmp_path / "system.txt"
    system.write_text("You work for a town hall.\n", encoding="utf-8")
    out = tmp_path / "run"
    run(sector="tool-use", n=6, endpoint="builtin", out=out, system=system)
    for line in (out / "dialogues.jsonl").open("rb"):
        said = orjson.loads(line)["messages"][0]["content"]
        assert said.startswith("You work for a town hall.\n\nYou are an assistant that helps")
        assert "Thought:" not in said  # the shape of a reply is kept in no record


def test_commands_are_shown_as_they_were_given(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(folder), "--n", "20"]) == 0
    shown = capsys.readouterr().out
    assert 'assistant: Calculate("' in shown
    assert "(thoughts: " in shown
