"""The weights of a mixture from the report of an evaluation."""

import asyncio
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from faulty import Answer, FaultyServer, reply
from runs import gen
from test_wrong_usage import refused

from gen.api import run
from gen.main import main
from gen.weighing import weights_from

RUN = ("run", "--endpoint", "builtin", "--out", "mix", "--sector", "recall,world-questions", "--n", "8")


@pytest.fixture(autouse=True)
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def report(recall: float, world: float, *, file: str = "report.json", system: str = "pupil", items: int = 200) -> str:
    """A report on two sectors, in percent."""
    about = {"system": system, "benchmark": "b", "protocol": "p", "judge": None, "headline": True, "split": "all"}
    values = {None: ((recall + world) / 2, 2 * items), "recall": (recall, items), "world-questions": (world, items)}
    figures = [
        {**about, "name": "accuracy", "category": category, "value": value, "clusters": clusters}
        for category, (value, clusters) in values.items()
    ]
    section = {"benchmark": "b", "protocol": "p", "judge": None, "unit": "percent", "lower_is_better": False}
    Path(file).write_text(json.dumps({"figures": figures, "sections": [section], "created": "now"}))
    return file


def noted() -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(Path("mix/mixture.json").read_bytes())
    return found


def test_the_weak_sector_gets_more_and_the_folder_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    words = (*RUN, "--weights-from", report(20, 80), "--json")
    assert main(words) == 0
    shown = capsys.readouterr()
    assert "weights from report.json, of pupil:" in shown.err
    assert "recall: 1 x 1.55 = 1.545 (lacks 80% of the scale in 200 questions, the whole 50%)" in shown.err
    summary = orjson.loads(shown.out)
    assert {name: one["dialogues"] for name, one in summary["sectors"].items()} == {"recall": 6, "world-questions": 2}
    assert summary["weights"] == noted()["weights"] == {"recall": 1.545, "world-questions": 0.4545}
    source = noted()["from"]
    assert (source["report"], source["system"], len(source["hash"])) == ("report.json", "pupil", 16)
    assert source["given"] == {"recall": 1, "world-questions": 1}
    assert summary["weights_from"] == source


def test_the_same_report_goes_on_and_another_is_refused_once_something_was_begun(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report(20, 80)
    assert main([*RUN, "--weights-from", "report.json"]) == 0
    found = json.loads(Path("report.json").read_text())
    Path("moved.json").write_text(json.dumps({**found, "created": "later"}))
    assert main([*RUN[:-1], "12", "--weights-from", "moved.json"]) == 0, "written anew, and says the same"
    assert noted()["from"]["report"] == "report.json"
    capsys.readouterr()
    report(30, 80)
    line = "mix: was begun with weights from report.json as it was, and report.json says other things"
    assert line in told(capsys, *RUN, "--weights-from", "report.json")
    assert "give --weights-from" in refused(capsys, *RUN)
    assert "other sectors or weights" in told(capsys, *RUN[:6], "recall:2,world-questions", "--n", "8", *MOVED)
    assert main([*RUN[:6], "recall:1.545,world-questions:0.4545", "--n", "12"]) == 0, "as the line says"


MOVED = ("--weights-from", "moved.json")


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """The last line of a refusal, behind the weights."""
    assert main(argv) == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_a_folder_in_which_nothing_was_begun_takes_another_report() -> None:
    Path("mix").mkdir()
    Path("mix/mixture.json").write_text('{"weights": {"recall": 9, "world-questions": 1}, "from": {"hash": "x"}}')
    assert main([*RUN, "--weights-from", report(20, 80)]) == 0
    assert noted()["weights"]["recall"] == 1.545


def test_plan_and_the_toml_take_it_and_given_weights_count(capsys: pytest.CaptureFixture[str]) -> None:
    report(20, 80)
    text = '[run]\nn = 9\nendpoint = "builtin"\nweights_from = "report.json"\nweights_system = "pupil"\n'
    Path("p.toml").write_text(text + "[run.sector]\nrecall = 1\nworld-questions = 6\ncreation = 1\n")
    assert main(["plan", "--config", "p.toml"]) == 0
    shown = capsys.readouterr()
    assert "world-questions: 6 x 0.455 = 2.727" in shown.err
    assert "creation: 1 x 1 = 1 (not in the report)" in shown.err
    assert "4 dialogues of world-questions" in shown.out
    assert main(["run", "--config", "p.toml", "--dry-run"]) == 0
    assert "total: 9 dialogues of 3 sectors" in capsys.readouterr().out
    assert not Path("runs").exists()
    assert main(["plan", "--config", "p.toml", "--sector", "recall"]) == 0, "of one sector there is nothing to weigh"


def test_the_same_from_python() -> None:
    file = Path(report(20, 80))
    found = weights_from({"recall": 2, "creation": 1}, file)
    assert found.by_sector == {"recall": 3.091, "creation": 1.0}
    assert found == weights_from({"recall": 2, "creation": 1}, file, "pupil")
    summary = run(sector={"recall": 1, "world-questions": 1}, n=4, endpoint="builtin", out="mix", weights_from=file)
    assert summary["weights"]["recall"] == 1.545


def test_a_report_that_was_not_finished_is_taken_and_said() -> None:
    file = Path(report(20, 80))
    assert "not finished" not in weights_from({"recall": 1}, file).told[0]
    file.write_text(json.dumps({**json.loads(file.read_text()), "open": 3, "stopped": "no such key"}))
    assert weights_from({"recall": 1}, file).told[0].endswith("of pupil (its evaluation was not finished):")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--weights-from", "nowhere.json"), "run: --weights-from nowhere.json: No such file"),
        (("--weights-from", "report.json", "--weights-system", "pupl"), "did you mean pupil"),
        (("--weights-from", "report.json", "--sector", "creation,harmless"), "it has recall, world-questions"),
        (("--weights-from", "report.json", "--sector", "recall"), "one sector needs no weights"),
        (("--weights-system", "pupil"), "that --weights-from names"),
    ],
)
def test_a_wrong_report_is_one_line(capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], said: str) -> None:
    report(20, 80)
    assert said in refused(capsys, *RUN, *argv)


def test_the_toml_that_names_no_report_is_told_with_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    Path("p.toml").write_text('[run]\nweights_from = "nowhere.json"\n')
    assert "run: [run] weights_from = nowhere.json: No such file" in refused(capsys, *RUN, "--config", "p.toml")


def strict(number: int, body: dict[str, Any]) -> Answer:
    """A judge that likes nothing in which somebody's name is asked for again."""
    return reply("Rating: [[2]]" if "my " in body["messages"][-1]["content"].lower() else "Rating: [[9]]")


async def test_a_real_evaluation_of_a_mixture_and_one_of_played_dialogues_are_read() -> None:
    run(sector="recall,world-questions,creation", n=24, endpoint="builtin", out="held")
    async with FaultyServer(strict) as server:
        Path("p.toml").write_text(f'[endpoint.large]\nbase_url = "{server.base_url}"\nmodel = "large"\n')
        place = Path().absolute()
        words = ("evaluate", "--config", place / "p.toml", "--model", "builtin", "--judge", "large", "--protocol")
        await gen(*words, "mt_bench", "--benchmark", place / "held", "--out", place / "scores")
        played = ("--play", 6, "--sector", "creation", "--simulator", "builtin", "--rounds", "1-1")
        await gen(*words, "coherence", *played, "--out", place / "played")
    given = dict.fromkeys(("recall", "world-questions", "creation", "harmless"), 1.0)
    found = await asyncio.to_thread(weights_from, given, Path("scores"))
    assert found.by_sector["recall"] > 1.1 > found.by_sector["world-questions"]
    assert found.by_sector["harmless"] == 1
    assert found.source is not None
    assert found.source["report"] == "scores/report.json"
    alone = weights_from(given, Path("played"))
    assert [name for name, weight in alone.by_sector.items() if weight != 1] == ["creation"]


def test_a_mixture_without_a_dialogue_is_no_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mix").mkdir()
    Path("mix/mixture.json").write_text('{"weights": {"recall": 1}}')
    words = ("evaluate", "--model", "builtin", "--benchmark", "mix", "--protocol", "dialogue", "--out", "scores")
    assert "--benchmark mix: no dialogue in it" in refused(capsys, *words)
