"""`gen evaluate` as a person types it."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from faulty import Answer, FaultyServer, reply
from runs import begin, end, gen, rows

from dialogue.errors import UsageError
from gen import api
from gen.evaluate_config import evaluate_settings
from gen.main import main

GSM8K = [
    {"question": f"How much is {n} plus {n}?", "answer": f"It is <<{n}+{n}={2 * n}>>{2 * n}.\n#### {2 * n}"}
    for n in range(1, 13)
]


def bench(path: Path) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in GSM8K), encoding="utf-8")
    return path


def calculator(number: int, body: dict[str, Any]) -> Answer:
    """Adds right but for every fourth number; ends as it was told to, but for every sixth."""
    n = int(body["messages"][-1]["content"].split("How much is ")[1].split()[0])
    value = 2 * n + (n % 4 == 0)
    return reply(f"{n} + {n} = {value}, so the answer is {value}" + ("" if n % 6 == 0 else f"\n#### {value}"))


def config(place: Path, url: str, more: str = "") -> Path:
    file = place / "project.toml"
    file.write_text(
        f'[endpoint.pupil]\nbase_url = "{url}"\nmodel = "pupil"\n'
        f'[endpoint.large]\nbase_url = "{url}"\nmodel = "large"\n[evaluate]\nretry_wait_s = 0.01\n{more}',
        encoding="utf-8",
    )
    return file


async def test_a_benchmark_is_scored_and_the_report_is_where_it_says(tmp_path: Path) -> None:
    async with FaultyServer(calculator) as server:
        words = ["evaluate", "--config", config(tmp_path, server.base_url), "--model", "sums=pupil"]
        words += ["--benchmark", f"gsm8k={bench(tmp_path / 'g.jsonl')}", "--out", tmp_path / "out"]
        said = (await gen(*words)).check(0, "answers of sums: pupil at pupil, 12 requests")
        assert "strict 66.67 (" in said.out
        assert "flexible 75 (" in said.out
        assert said.out.rstrip().endswith("out/report.html")
        await gen(*words)
        assert server.requests == 12
    report = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert report["sections"][0]["calls"] == {"sums": {"asked": 12, "parsed": 12}}
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


async def test_a_dry_run_says_what_it_would_ask_and_writes_nothing(tmp_path: Path) -> None:
    words = ["evaluate", "--config", config(tmp_path, "http://127.0.0.1:9/v1"), "--model", "pupil", "--judge", "large"]
    words += ["--benchmark", f"gsm8k={bench(tmp_path / 'g.jsonl')}", "--protocol", "rubric", "--out", tmp_path / "out"]
    said = (await gen(*words, "--dry-run")).check(0)
    assert "answers of pupil: pupil at pupil, 12 requests" in said.out
    assert "judge: large at large, 12 requests" in said.out
    assert not (tmp_path / "out").exists()


def test_a_dry_run_tells_nothing_of_those_who_are_asked_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    g = f"gsm8k={bench(tmp_path / 'g.jsonl')}"
    assert main(["evaluate", "--model", "builtin", "--benchmark", g, "--out", str(tmp_path / "out")]) == 0
    there = ["evaluate", "--benchmark", g, "--answers", f"mine={tmp_path / 'out' / 'answers.jsonl'}", "--dry-run"]
    capsys.readouterr()
    assert main([*there, "--out", str(tmp_path / "more"), "--model", "builtin"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("at most")
    assert [line.split(":")[0] for line in lines] == ["answers of builtin"]
    assert main([*there, "--out", str(tmp_path / "none")]) == 0
    assert capsys.readouterr().out == "nothing would be asked\n"
    assert main([*there, "--out", str(tmp_path / "none"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


async def test_an_interrupt_keeps_all_that_came(tmp_path: Path) -> None:
    def slow(number: int, body: dict[str, Any]) -> Answer:
        return Answer(calculator(number, body).body, delay_s=0.3)

    async with FaultyServer(slow) as server:
        words = ["evaluate", "--config", config(tmp_path, server.base_url), "--model", "pupil", "--concurrency", 2]
        words += ["--benchmark", f"gsm8k={bench(tmp_path / 'g.jsonl')}", "--out", tmp_path / "out"]
        child = await begin(*words)
        while server.requests < 3 and child.returncode is None:
            await asyncio.sleep(0.01)
        child.send_signal(signal.SIGINT)
        said = await end(child)
        assert said.status == 130
        assert "questions are open; run it again" in said.err
        kept = len(rows(tmp_path / "out" / "answers.jsonl"))
        assert kept == server.requests, "what was on the wire came home"
        (await gen(*words)).check(0)
        assert server.requests == 12


async def test_an_interrupt_while_dialogues_are_played_keeps_them(tmp_path: Path) -> None:
    def slow(number: int, body: dict[str, Any]) -> Answer:
        return Answer(reply(f"A tide is wave number {number}. Rating: [[8]]").body, delay_s=0.3)

    async with FaultyServer(slow) as server:
        words = ["evaluate", "--config", config(tmp_path, server.base_url), "--model", "pupil", "--judge", "large"]
        words += [
            "--play",
            6,
            "--simulator",
            "builtin",
            "--rounds",
            "1-1",
            "--concurrency",
            2,
            "--out",
            tmp_path / "out",
        ]
        child = await begin(*words)
        while server.requests < 3 and child.returncode is None:
            await asyncio.sleep(0.01)
        child.send_signal(signal.SIGINT)
        said = await end(child)
        assert said.status == 130
        before = server.requests
        (await gen(*words)).check(0)
        assert server.requests == 6 + 12, "six answers, and a call for each turn and each whole"
        assert before >= 3


async def test_a_dead_judge_stops_it_and_answers_are_kept(tmp_path: Path) -> None:
    def behaviour(number: int, body: dict[str, Any]) -> Answer:
        if body["model"] == "large":
            return Answer(b'{"error": {"message": "no such key"}}', 401)
        return calculator(number, body)

    async with FaultyServer(behaviour) as server:
        words = ["evaluate", "--config", config(tmp_path, server.base_url), "--model", "pupil", "--judge", "large"]
        words += [
            "--benchmark",
            f"gsm8k={bench(tmp_path / 'g.jsonl')}",
            "--protocol",
            "rubric",
            "--out",
            tmp_path / "out",
        ]
        said = await gen(*words)
    assert said.status == 3
    assert "no such key" in said.err
    assert len(rows(tmp_path / "out" / "answers.jsonl")) == 12
    assert json.loads((tmp_path / "out" / "report.json").read_bytes())["stopped"]


def test_the_protocols_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--list"]) == 0
    out = capsys.readouterr().out
    for name in ("alpaca_eval_2", "mt_bench", "ifeval", "held_out"):
        assert f"\n  {name} " in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--out", "x"], "--benchmark is missing"),
        (["--benchmark", "g.jsonl", "--out", "x"], "--model is missing"),
        (["--benchmark", "g.jsonl", "--model", "builtin"], "--out is missing"),
        (["--benchmark", "g.jsonl", "--model", "bulitin", "--out", "x"], "did you mean builtin"),
        (["--benchmark", "g.jsonl", "--model", "builtin#x", "--out", "x"], "names its model already"),
        (["--benchmark", "g.jsonl", "--model", "builtin", "builtin", "--out", "x"], "two models are called builtin"),
        (["--benchmark", "g.jsonl", "--model", "builtin", "--judge", "builtin", "--out", "x"], "cannot judge"),
        (["--benchmark", "g.jsonl", "--model", "builtin", "--judge-model", "m", "--out", "x"], "nobody judges"),
        (["--benchmark", "g.jsonl", "--model", "builtin", "--limit", "none", "--out", "x"], "--limit none: expected"),
        (["--benchmark", "g.jsonl", "--model", "builtin", "--answers-as", "csv", "--out", "x"], "--answers-as csv"),
        (["--from-judgments", "j.jsonl", "--model", "builtin", "--out", "x"], "leave out --model"),
        (["--from-judgments", "nowhere.jsonl", "--out", "x"], "nowhere.jsonl: No such file"),
        (["--from-judgments", "g.jsonl", "--out", "x"], "of no known layout"),
        (["--play", "3", "--model", "builtin", "--out", "x"], "--simulator is missing"),
        (["--sector", "recall", "--model", "builtin", "--benchmark", "g.jsonl", "--out", "x"], "is for --play N"),
        (["--benchmark", "g.jsonl", "--model", "builtin", "--as-stored", "--out", "x"], "--as-stored is for"),
        (["--benchmark", "g.jsonl", "--answers", "g.jsonl", "--out", "x"], "no answer of a known layout"),
        (["--benchmark", "empty.jsonl", "--model", "builtin", "--out", "x"], "empty"),
        (["--benchmark", "g.jsonl", "--model", "http://u:p@h/v1", "--out", "x"], "a key in an address"),
    ],
)
def test_wrong_words_are_told_in_one_line(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    bench(tmp_path / "g.jsonl")
    (tmp_path / "j.jsonl").write_text("{}\n")
    (tmp_path / "empty.jsonl").write_text("")
    assert main(["evaluate", *words]) == 2
    err = capsys.readouterr().err
    assert told in err, err
    assert len([line for line in err.splitlines() if line.startswith("gen evaluate:")]) == 1
    assert not (tmp_path / "x" / "report.json").exists()


def test_the_toml_says_the_same_as_the_flags(tmp_path: Path) -> None:
    more = 'benchmarks = ["g.jsonl"]\nmodels = ["pupil"]\njudge = { endpoint = "large", max_tokens = 50 }\nout = "o"\n'
    file = config(tmp_path, "http://127.0.0.1:9/v1", f"{more}repeats = 2\nseed = 4\nmax_cost = 2\n")
    found = evaluate_settings({}, file)
    assert found.judge is not None
    assert found.judge.sampling.max_tokens == 50
    assert (found.repeats, found.seed, found.terms.max_cost_usd) == (2, 4, 2)
    assert evaluate_settings({"seed": "5"}, file).seed == 5
    file.write_text(file.read_text() + 'jugde = "x"\n')
    with pytest.raises(UsageError, match="did you mean judge"):
        evaluate_settings({}, file)


def test_a_folder_of_another_command_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "dialogues.jsonl").write_text("")
    words = ["--benchmark", str(bench(tmp_path / "g.jsonl")), "--model", "builtin", "--out", str(tmp_path / "run")]
    assert main(["evaluate", *words]) == 2
    assert "files of another command" in capsys.readouterr().err


async def test_it_is_a_function_under_a_running_loop(tmp_path: Path) -> None:
    data = bench(tmp_path / "g.jsonl")
    report = api.evaluate(models=["builtin"], benchmarks=[f"gsm8k={data}"], out=tmp_path / "out", limit=4)
    assert report["status"] == 0
    assert report["sections"][0]["calls"]["builtin"]["asked"] == 4


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "statsmodels"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    data = bench(tmp_path / "g.jsonl")
    words = ["--benchmark", f"gsm8k={data}", "--model", "builtin", "--out", str(tmp_path / "out")]
    assert main(["evaluate", *words]) == 2
    assert "statsmodels is not installed: pip install 'duologue[evaluate]'" in capsys.readouterr().err
