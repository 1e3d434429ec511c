"""What is planned, brought, shown and called from Python; and the help."""

import asyncio
import json
import re
import resource
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from runs import (
    ROOT,
    Disk,
    Watched,
    environment,
    gen,
    mentions,
    on,
    side,
    well,
    write_config,
)

from dialogue.records import Dialogue
from gen.api import dialogues, plan, run
from gen.main import COMMANDS, main

SECTOR = ("--sector", "world-questions")
BUILTIN = ("run", *SECTOR, "--endpoint", "builtin")


# Plans


async def test_a_dry_run_writes_and_sends_nothing(tmp_path: Path) -> None:
    async with Watched() as server:
        words = on(server, tmp_path, 6)
        before = sorted(tmp_path.rglob("*"))
        said = (await gen(*words, "--dry-run")).check(0)
        assert server.requests == 0
        assert sorted(tmp_path.rglob("*")) == before
        assert "6 dialogues of world-questions" in said.out
        assert said.out.count("--- what the ") == 2, "user and assistant: the openers are the user's own"


async def test_a_plan_for_programs_has_requests_tokens_cost_and_hours(tmp_path: Path) -> None:
    said = (await gen("plan", *SECTOR, "--n", 1000, "--endpoint", "builtin", "--rpm", 600, "--json")).check(0)
    found = json.loads(said.out)
    for key in ("requests", "prompt_tokens", "completion_tokens"):
        assert found[key] > 1000
    assert found["cost_usd"] == 0
    assert found["hours"] == pytest.approx(found["requests"] / 600 / 60, rel=0.1)
    assert len(found["prompts"]) == 3
    assert all(prompt.strip() for prompt in found["prompts"].values())


async def test_an_unknown_price_is_no_price(tmp_path: Path) -> None:
    words = ("plan", *SECTOR, "--n", 10, "--endpoint", "http://127.0.0.1:9/v1", "--model", "home-made")
    assert json.loads((await gen(*words, "--json")).check(0).out)["cost_usd"] is None
    assert "cost: unknown" in (await gen(*words)).check(0).out


async def test_a_plan_for_more_than_the_tree_can_give_is_refused(tmp_path: Path) -> None:
    words = (*SECTOR, "--n", "1e9", "--endpoint", "builtin")
    (await gen("plan", *words)).check(2, "--n 1,000,000,000", "at most", "--openers")
    (await gen("run", *words, "--dry-run", cwd=tmp_path)).check(2, "--n 1,000,000,000", "at most")


# What is brought


async def test_the_share_of_languages_is_kept(tmp_path: Path) -> None:
    (await gen(*BUILTIN, "--n", 40, "--language", "zh-TW:3,en:1", "--out", tmp_path / "run")).check(0)
    found = Disk.of(tmp_path / "run").dialogues
    languages = Counter(dialogue["seed"]["language"] for dialogue in found)
    assert abs(languages["zh-TW"] - 30) <= 1
    assert languages.total() == 40
    for dialogue in found:
        chinese = [bool(re.search("[一-鿿]", message["content"])) for message in dialogue["messages"]]
        assert all(chinese) if dialogue["seed"]["language"] == "zh-TW" else not any(chinese)


async def test_system_prompts_are_drawn_sent_to_the_assistant_alone_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "system.jsonl"
    file.write_text('{"system": "Answer as a botanist.", "weight": 2}\n{"system": null}\nBe brief.\n')
    async with Watched() as server:
        (await gen(*on(server, tmp_path, 40, "1-1"), "--system", file)).check(0)
    drawn: Counter[str | None] = Counter()
    for dialogue in Disk.of(tmp_path / "run").dialogues:
        first = dialogue["messages"][0]
        drawn[first["content"] if first["role"] == "system" else None] += 1
    assert set(drawn) == {"Answer as a botanist.", "Be brief.", None}
    asked = [body for body in server.bodies if mentions(body, "as a botanist")]
    assert {side(body) for body in asked} == {"assistant"}
    assert all(body["messages"][0]["role"] == "system" for body in asked)


async def test_own_openers_are_kept_word_for_word(tmp_path: Path) -> None:
    lines = [
        "  Why is  the sea salty? ",
        "One\u2028line?",
        "Ünïcode \U0001f30a?",
        "Why is the sea salty?",
        "{not json, a line",
    ]
    file = tmp_path / "openers.jsonl"
    objects = [json.dumps({"opener": line, "topic": "sea", "colour": "blue"}) for line in lines]
    file.write_text("\n".join(objects) + "\r\n", encoding="utf-8")
    (await gen(*BUILTIN, "--n", 5, "--openers", file, "--out", tmp_path / "run")).check(0)
    found = Disk.of(tmp_path / "run").dialogues
    assert sorted(dialogue["messages"][0]["content"] for dialogue in found) == sorted(lines)
    assert all(dialogue["seed"]["topic"] == "sea" for dialogue in found)
    assert all(dialogue["seed"]["extra"]["colour"] == "blue" for dialogue in found)


async def test_a_separator_of_lines_inside_a_line_does_not_split_it(tmp_path: Path) -> None:
    file = tmp_path / "openers.txt"
    file.write_bytes("One\u2028line\x85only\x0bhere?\n".encode())
    words = (*BUILTIN, "--openers", file, "--out", tmp_path / "run")
    (await gen(*words, "--n", 2)).check(2, "1 openers, but --n is 2")
    (await gen(*words, "--n", 1)).check(0)
    assert Disk.of(tmp_path / "run").dialogues[0]["messages"][0]["content"] == "One\u2028line\x85only\x0bhere?"


async def test_an_own_entity_list_is_what_the_openers_grow_from(tmp_path: Path) -> None:
    file = tmp_path / "entities.txt"
    file.write_text("Kalmar Nyckel\nZeppelin LZ 127\n")
    async with Watched() as server:
        config = write_config(tmp_path / "run.toml", server.base_url)
        words = ("run", "--config", config, "--n", 4, "--rounds", "1-1", "--input", file, "--out", tmp_path / "run")
        (await gen(*words)).check(0)
        lists = [body for body in server.bodies if side(body) == "opener"]
        assert any(mentions(body, "Kalmar Nyckel") or mentions(body, "Zeppelin") for body in lists)
        assert all(body["response_format"]["type"] == "json_schema" for body in lists)


async def test_more_rounds_than_the_presets_know_are_played(tmp_path: Path) -> None:
    (await gen(*BUILTIN, "--n", 2, "--rounds", "40-40", "--out", tmp_path / "run")).check(0)
    for dialogue in Disk.of(tmp_path / "run").dialogues:
        assert sum(message["role"] == "user" for message in dialogue["messages"]) == 40


async def test_every_record_of_builtin_says_so(tmp_path: Path) -> None:
    (await gen(*BUILTIN, "--n", 2, "--out", tmp_path / "run")).check(0, "builtin is no language model")
    assert {dialogue["assistant_model"] for dialogue in Disk.of(tmp_path / "run").dialogues} == {"builtin"}


# Showing


def dialogue_file(path: Path, *texts: str) -> Path:
    """Dialogues of one round, an opener each."""
    messages = [[{"role": "user", "content": text}, {"role": "assistant", "content": f"Of {text}"}] for text in texts]
    lines = [json.dumps({"id": f"wq-{number:016x}", "messages": one}) for number, one in enumerate(messages)]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


async def test_show_of_an_empty_folder_says_that_there_is_nothing(tmp_path: Path) -> None:
    (await gen("show", tmp_path)).check(2, str(tmp_path))
    (tmp_path / "dialogues.jsonl").touch()
    (await gen("show", tmp_path)).check(2, "nothing yet")


async def test_show_of_an_id_that_is_not_there_names_it(tmp_path: Path) -> None:
    file = dialogue_file(tmp_path / "some.jsonl", "Why?")
    (await gen("show", file, "wq-beef")).check(2, "no dialogue wq-beef")
    assert "Of Why?" in (await gen("show", file, "wq-00")).check(0).out


async def test_show_prints_no_sign_that_steers_a_terminal(tmp_path: Path) -> None:
    file = dialogue_file(tmp_path / "some.jsonl", "\x1b[2J\x1b]0;owned\x07 \x9b31m \u202egnp.exe \r\x08 ok\ttab")
    out = (await gen("show", file)).check(0).out
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", out)
    assert "ok\ttab" in out


CANDIDATES = [
    {"content": "Salt.", "model": "m\x1b[2J", "principle": "helpful", "score": 4.25, "critique": "Short.\nAnd right.",
     "ratings": {"follows": 5, "honest\x07": 4}},
    {"content": "Water\u202e and air, " + "long " * 100, "score": 1, "critique": "x" * 900, "ratings": "none"},
    {"content": None}, "\x1bno object", {"content": "Salt.", "score": 9},
]  # fmt: skip


def test_show_of_a_message_with_candidates_shows_each_and_marks_the_chosen_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"role": "assistant", "content": "Salt.", "candidates": CANDIDATES}
    file = tmp_path / "some.jsonl"
    file.write_text(json.dumps({"id": "pf-1", "messages": [{"role": "user", "content": "Why?"}, said]}) + "\n")
    assert main(["show", str(file)]) == 0
    out = capsys.readouterr().out
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", out)
    lines = [line.strip() for line in out.splitlines()]
    start = lines.index("5 candidates, * is the one above:")
    assert lines[start + 1 : start + 3] == [
        "* score 4.25 · helpful · m\ufffd[2J · follows 5, honest\ufffd 4",
        "critique: Short. And right.",
    ]
    assert lines[start + 3] == "- score 1 · none"
    assert lines[start + 4].startswith("answer: Water\ufffd and air, long")
    assert lines[start + 4].endswith(" …")
    assert lines[start + 5] == f"critique: {'x' * 160} …"
    assert lines[start + 6 :][:5] == [
        "- nothing is said of it", "answer: null", "- \ufffdno object", "- score 9", "answer: Salt."
    ]  # fmt: skip


def test_show_tells_candidates_of_several_endpoints_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    several = [
        {"content": "Salt.", "model": "builtin", "principle": "helpful", "score": 4, "endpoint": "warm"},
        {"content": "Rust.", "model": "builtin", "endpoint": "cold\x1b[2J"},
        {"content": "Dust.", "endpoint": "cold"},
    ]
    said = {"role": "assistant", "content": "Salt.", "candidates": several}
    file = tmp_path / "some.jsonl"
    file.write_text(json.dumps({"id": "pf-1", "messages": [{"role": "user", "content": "Why?"}, said]}) + "\n")
    assert main(["show", str(file)]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "* score 4 · helpful · builtin at warm" in lines
    assert "- builtin at cold\ufffd[2J" in lines
    assert "- at cold" in lines


def test_show_of_a_turn_that_is_none_of_its_candidates_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"role": "assistant", "content": "Rust.", "candidates": CANDIDATES[:1]}
    file = tmp_path / "some.jsonl"
    file.write_text(json.dumps({"id": "pf-1", "messages": [{"role": "user", "content": "Why?"}, said]}) + "\n")
    assert main(["show", str(file)]) == 0
    assert "1 candidates, none of them is the one above:\n      - score 4.25" in capsys.readouterr().out


async def test_show_of_failures_tells_reason_and_partial_turns(tmp_path: Path) -> None:
    async with Watched(lambda number, body: well(body, content=None) if side(body) == "user" else well(body)) as server:
        (await gen(*on(server, tmp_path, 2))).check(1)
    said = (await gen("show", tmp_path / "run", "--failures")).check(0)
    assert said.out.count("bad_reply") == 2
    assert said.out.count("assistant: ") == 2


async def test_show_of_failures_in_a_file_of_something_else_names_the_line(tmp_path: Path) -> None:
    file = dialogue_file(tmp_path / "some.jsonl", "Why?")
    (await gen("show", file, "--failures")).check(2, "some.jsonl:1")


@pytest.mark.parametrize("words", [("show", "some.jsonl"), ("sectors", "show", "world-questions", "--language", "zh")])
async def test_a_terminal_of_few_letters_is_no_trouble(words: tuple[str, ...], tmp_path: Path) -> None:
    dialogue_file(tmp_path / "some.jsonl", "Why is caf\u00e9 \u6d77 blue?")
    (await gen(*words, cwd=tmp_path, environ={"PYTHONIOENCODING": "ascii"})).check(0)


async def test_the_version_is_told_where_nothing_is_installed(tmp_path: Path) -> None:
    assert (await gen("--version", cwd=tmp_path)).check(0).out.startswith("duologue")


def test_a_reader_that_leaves_the_pipe_is_no_trouble(tmp_path: Path) -> None:
    file = dialogue_file(tmp_path / "some.jsonl", *(f"Question {number}? " + "x" * 500 for number in range(2000)))
    line = f"set -o pipefail; {sys.executable} -m gen.main show {file} --n 2000 | head -1"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


# For programs


async def test_the_summary_for_programs_is_json_and_nothing_else(tmp_path: Path) -> None:
    said = (await gen(*BUILTIN, "--n", 3, "--out", tmp_path / "run", "--json")).check(0)
    found = json.loads(said.out)
    assert found == json.loads((tmp_path / "run" / "summary.json").read_bytes())
    assert (found["status"], found["dialogues"], found["failed"]) == (0, 3, 0)


async def test_the_functions_work_under_a_running_event_loop(tmp_path: Path) -> None:
    options = {"sector": "world-questions", "n": 3, "endpoint": "builtin", "out": str(tmp_path / "run")}
    assert plan(**options).requests > 6
    summary = run(**options)
    assert summary["status"] == 0
    found = list(dialogues(tmp_path / "run"))
    assert len(found) == 3
    assert all(isinstance(dialogue, Dialogue) for dialogue in found)
    assert asyncio.get_running_loop().is_running()


def test_the_functions_work_without_one_and_take_numbers_and_paths(tmp_path: Path) -> None:
    summary = run(sector="world-questions", n=2, endpoint="builtin", out=tmp_path / "run", rounds="2-2", seed=7)
    assert summary["dialogues"] == 2


# Help

HEAVY = {"torch", "numpy", "pydantic", "transformers", "openai", "aiohttp", "jinja2"}


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_quick(command: str) -> None:
    words = [sys.executable, "-m", "gen.main", *([command] if command else []), "--help"]
    costs = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(words, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(costs) < 0.3, "seconds of CPU"
    assert "usage: gen" in done.stdout


def test_help_loads_nothing_heavy() -> None:
    code = "import sys; from gen.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stderr.split()} & HEAVY


def test_a_run_on_builtin_loads_neither_scipy_nor_the_packages_of_other_endpoints(tmp_path: Path) -> None:
    words = ["run", *SECTOR, "--n", "2", "--endpoint", "builtin", "--out", str(tmp_path / "run")]
    code = f"import sys; from gen.main import main; main({words!r}); print('LOADED', *sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stderr.rpartition("LOADED")[2].split()}
    assert not loaded & {"torch", "transformers", "scipy", "numba", "openai"}
