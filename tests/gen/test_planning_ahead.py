"""A plan for a folder in which something stands: refused where the run would be, and told what is there already."""

from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
from test_wrong_usage import refused

from gen.api import plan
from gen.main import main

ONE = ("--sector", "recall", "--endpoint", "builtin", "--out", "made")
TWO = ("--sector", "recall,world-questions", "--endpoint", "builtin", "--out", "mix")
PLANS = [pytest.param(("plan",), id="plan"), pytest.param(("run", "--dry-run"), id="dry-run")]


@pytest.fixture(autouse=True)
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(capsys: pytest.CaptureFixture[str], *argv: str) -> None:
    assert main(["run", *argv]) == 0
    capsys.readouterr()


def bytes_of(folder: str) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(Path(folder).rglob("*")) if file.is_file()}


@pytest.mark.parametrize("words", PLANS)
def test_a_plan_for_a_folder_of_another_run_is_refused_as_the_run_is(
    capsys: pytest.CaptureFixture[str], words: Sequence[str]
) -> None:
    made(capsys, *ONE, "--n", "2")
    other = (*ONE, "--n", "4", "--seed", "7")
    said = refused(capsys, *words, *other)
    assert said.partition(": ")[2] == refused(capsys, "run", *other).partition(": ")[2]
    assert "made: holds a run with other settings: seed was 0, is now 7" in said


def test_other_material_and_other_templates_are_other_settings_for_a_plan_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("names.txt").write_text("Ada\nBlaise\nCarl\nDora\n")
    made(capsys, *ONE, "--n", "2", "--input", "names.txt")
    Path("names.txt").write_text("Ada\nBlaise\nCarl\nEmil\n")
    assert "input was" in refused(capsys, "plan", *ONE, "--n", "2", "--input", "names.txt")


def test_a_plan_for_a_folder_of_a_mixture_or_for_strangers_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    made(capsys, *TWO, "--n", "2")
    assert "holds a mixture of sectors" in refused(capsys, "plan", *ONE[:-1], "mix", "--n", "2")
    Path("strange").mkdir()
    Path("strange/dialogues.jsonl").write_text("{}\n")
    assert "but no run.json" in refused(capsys, "plan", *ONE[:-1], "strange", "--n", "2")


@pytest.mark.parametrize("words", PLANS)
def test_a_plan_of_another_mixture_is_refused_as_the_mixture_is(
    capsys: pytest.CaptureFixture[str], words: Sequence[str]
) -> None:
    made(capsys, *TWO, "--n", "2")
    for other in (
        ("--sector", "recall:2,world-questions", "--n", "3"),
        ("--sector", "recall,world-questions", "--seed", "7", "--n", "3"),
    ):
        argv = ("--endpoint", "builtin", "--out", "mix", *other)
        said = refused(capsys, *words, *argv).partition(": ")[2]
        assert said == refused(capsys, "run", *argv).partition(": ")[2]
        assert "other s" in said


@pytest.mark.parametrize("words", [*PLANS, pytest.param(("run",), id="run")])
@pytest.mark.parametrize("asked", [ONE, TWO])
@pytest.mark.parametrize("out", ["file", "file/made"])
def test_a_file_in_the_place_of_the_folder_is_told(
    capsys: pytest.CaptureFixture[str], words: Sequence[str], asked: Sequence[str], out: str
) -> None:
    Path("file").touch()
    assert "is a file, or lies in one; name a folder" in refused(capsys, *words, *asked[:-1], out, "--n", "2")


def test_a_plan_of_a_mixture_where_one_run_stands_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    made(capsys, *ONE, "--n", "2")
    assert "holds a run of one sector" in refused(capsys, "plan", *TWO[:-1], "made", "--n", "2")
    made(capsys, *ONE[:-1], "other/recall", "--n", "2")
    assert "is a run of its own" in refused(capsys, "plan", *TWO[:-1], "other", "--n", "2")


@pytest.mark.parametrize("words", PLANS)
def test_a_plan_tells_what_is_there_already_and_leaves_it_alone(
    capsys: pytest.CaptureFixture[str], words: Sequence[str]
) -> None:
    made(capsys, *ONE, "--n", "2")
    before = bytes_of("made")
    assert main([*words, *ONE, "--n", "5"]) == 0
    assert "2 of the 5 dialogues are there already; the plan counts all" in capsys.readouterr().out
    assert bytes_of("made") == before
    assert main([*words, *ONE, "--n", "5", "--json"]) == 0
    assert orjson.loads(capsys.readouterr().out)["there"] == 2
    assert main([*words, *ONE, "--n", "1"]) == 0
    assert "1 of the 1 dialogues are there already" in capsys.readouterr().out


def test_a_plan_of_a_mixture_tells_what_is_there_of_each_part_and_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    made(capsys, *TWO, "--n", "4")
    before = bytes_of("mix")
    assert main(["plan", *TWO, "--n", "10"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("2 of the 5 dialogues are there already") == 2
    assert shown.count("4 of the 10 dialogues are there already") == 1
    assert bytes_of("mix") == before
    assert plan(sector="recall,world-questions", endpoint="builtin", out="mix", n=10).there == 4


@pytest.mark.parametrize("words", PLANS)
@pytest.mark.parametrize("sector", ["recall", "recall,world-questions"])
def test_a_plan_needs_no_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: Sequence[str], sector: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    argv = ("--sector", sector, "--n", "2", "--endpoint", "openai")
    assert main([*words, *argv]) == 0
    assert "cost: $0.0" in capsys.readouterr().out
    plan(sector=sector, n=2, endpoint="openai")
    assert "OPENAI_API_KEY, which is not set" in refused(capsys, "run", *argv)
    assert "no --endpoint, and OPENAI_API_KEY is not set" in refused(capsys, "plan", *argv[:-2])


def test_a_plan_for_an_empty_folder_says_nothing_of_it_and_makes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Path("made").mkdir()
    for argv in ((*ONE, "--n", "2"), (*TWO, "--n", "4")):
        assert main(["plan", *argv]) == 0
        assert "there already" not in capsys.readouterr().out
    assert sorted(map(str, Path().rglob("*"))) == ["made"]
