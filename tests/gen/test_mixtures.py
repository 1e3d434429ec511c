"""Several sectors with weights: a run each below one folder, which stands for all of them."""

from collections import Counter
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_wrong_usage import refused

from dialogue.conversion.rows import files
from dialogue.mixtures import counts
from dialogue.reading import read
from filters.engine import blocks
from gen.api import plan, run
from gen.main import main
from gen.planning import MixturePlan
from trainer.batches.sources import sources

RUN = ("run", "--endpoint", "builtin", "--out", "mix")


@pytest.fixture(autouse=True)
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


WEIGHTS = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.01, 1000), min_size=1)


@given(weights=WEIGHTS, n=st.integers(1, 300))
def test_shares_sum_up_and_none_shrinks_as_the_whole_grows(weights: dict[str, float], n: int) -> None:
    found, larger = counts(weights, n), counts(weights, n + 1)
    assert sum(found.values()) == n
    assert all(found[name] <= larger[name] for name in weights)
    total = sum(weights.values())
    assert all(abs(found[name] - n * weight / total) <= len(weights) for name, weight in weights.items())


def sectors() -> Counter[str | None]:
    return Counter(dialogue.sector for dialogue in read(Path("mix")))


def test_a_mixture_is_made_read_extended_and_filtered_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RUN, "--sector", "world-questions:3,recall:1", "--n", "8", "--json"]) == 0
    summary = orjson.loads(capsys.readouterr().out)
    assert (summary["dialogues"], sorted(summary["sectors"])) == (8, ["recall", "world-questions"])
    assert sectors() == {"world-questions": 6, "recall": 2}
    before = Path("mix/recall/dialogues.jsonl").read_bytes()
    assert main([*RUN, "--sector", "world-questions:3,recall:1", "--n", "12"]) == 0
    assert "12 dialogues in mix" in capsys.readouterr().out
    assert sectors() == {"world-questions": 9, "recall": 3}
    assert Path("mix/recall/dialogues.jsonl").read_bytes().startswith(before)
    wanted = [Path("mix/recall/dialogues.jsonl"), Path("mix/world-questions/dialogues.jsonl")]
    assert files(Path("mix")) == blocks.files(Path("mix")) == [one.path for one in sources([Path("mix")])] == wanted
    assert main(["show", "mix", "--n", "20"]) == 0
    assert main(["convert", "mix", "all.jsonl"]) == 0
    assert len(Path("all.jsonl").read_bytes().splitlines()) == 12


def test_lines_of_progress_name_their_part_and_a_smaller_number_is_told_as_such(
    capsys: pytest.CaptureFixture[str],
) -> None:
    argv = [*RUN, "--sector", "world-questions:3,recall:1", "--n"]
    assert main([*argv, "8"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert {line.partition(": ")[0] for line in lines} == {"recall", "world-questions"}
    assert main([*argv, "4"]) == 0
    shown = capsys.readouterr()
    assert "world-questions: 6 dialogues, more than the 3 asked for · " in shown.err
    assert "recall: 2 dialogues, more than the 1 asked for · " in shown.err
    assert "6 dialogues, more than the 3 asked for, in " in shown.out


def test_a_cap_is_for_all_sectors_together(capsys: pytest.CaptureFixture[str]) -> None:
    argv = [*RUN, "--sector", "recall,world-questions", "--n", "20", "--max-requests", "60"]
    assert main(argv) == 3
    assert "60" in capsys.readouterr().err
    made = sum(orjson.loads(one.read_bytes())["meter"]["requests"] for one in Path("mix").glob("*/summary.json"))
    assert made <= 60


def test_the_plan_of_a_mixture_has_each_of_its_parts_and_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("plan", "--endpoint", "builtin", "--sector", "recall:1,world-questions:1", "--n", "40", "--rpm", "600")
    assert main([*words, "--json"]) == 0
    found = orjson.loads(capsys.readouterr().out)
    parts = found["sectors"]
    assert [(name, one["sector"], one["n"]) for name, one in parts.items()] == [
        ("recall", "recall", 20),
        ("world-questions", "world-questions", 20),
    ]
    for name in ("n", "requests", "prompt_tokens", "completion_tokens", "cost_usd", "hours"):
        assert found[name] == pytest.approx(sum(one[name] for one in parts.values())), name
    assert found["requests"] > 100
    assert found["binding"] == "builtin: 600 requests/min"
    assert found["weights"] == {"recall": 1, "world-questions": 1}
    assert main(words) == 0
    assert f"total: 40 dialogues of 2 sectors\nrequests: {found['requests']:,}; tokens: " in capsys.readouterr().out


def test_the_sum_has_no_price_and_no_hours_where_they_are_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--endpoint", "http://127.0.0.1:9/v1", "--model", "home-made", "--sector", "recall,creation", "--n", "4")
    assert main(["plan", *words, "--json"]) == 0
    found = orjson.loads(capsys.readouterr().out)
    assert (found["cost_usd"], found["hours"]) == (None, None)
    assert found["binding"].startswith("no limit is stated")
    assert main(["plan", *words]) == 0
    assert "total: 4 dialogues of 2 sectors" in capsys.readouterr().out


def test_the_plan_takes_weights_from_a_toml(capsys: pytest.CaptureFixture[str]) -> None:
    Path("p.toml").write_text('[run]\nn = 4\nendpoint = "builtin"\n[run.sector]\nrecall = 3\nworld-questions = 1\n')
    assert main(["plan", "--config", "p.toml", "--json"]) == 0
    assert [one["n"] for one in orjson.loads(capsys.readouterr().out)["sectors"].values()] == [3, 1]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--sector", "recall:0,world-questions:1", "--n", "3"), "weight of recall"),
        (("--sector", "recall:1,recall:2", "--n", "3"), "each once"),
        (("--sector", "recall:1,", "--n", "3"), "each once"),
        (("--sector", "recall:1,worldquestions:1", "--n", "4"), "worldquestions"),
        (("--sector", "recall:x,world-questions", "--n", "3"), "expected a number"),
        (("--sector", "recall,world-questions"), "--n is missing"),
        (("--sector", "recall,world-questions", "--n", "4", "--input", "x"), "say whose it is"),
    ],
)
def test_a_wrong_mixture_is_one_line(capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], said: str) -> None:
    assert said in refused(capsys, *RUN, *argv)


def test_another_mixture_in_the_same_folder_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RUN, "--sector", "recall:1,world-questions:1", "--n", "2"]) == 0
    capsys.readouterr()
    assert "other sectors or weights" in refused(capsys, *RUN, "--sector", "recall:2,world-questions:1", "--n", "2")
    Path("mix/mixture.json").write_text('{"weights": {"../..": 1}}')
    assert "outside" in refused(capsys, "show", "mix")


def test_a_run_of_one_sector_and_a_mixture_do_not_share_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RUN, "--sector", "recall:1,world-questions:1", "--n", "2"]) == 0
    capsys.readouterr()
    assert "holds a mixture of sectors" in refused(capsys, *RUN, "--sector", "recall", "--n", "2")
    assert main(["run", "--endpoint", "builtin", "--out", "other/recall", "--sector", "recall", "--n", "2"]) == 0
    capsys.readouterr()
    argv = ("run", "--endpoint", "builtin", "--out", "other", "--sector", "recall:1,world-questions:1", "--n", "2")
    assert "is a run of its own" in refused(capsys, *argv)


def test_the_same_from_python() -> None:
    summary = run(sector={"recall": 1, "world-questions": 1}, n=4, endpoint="builtin", out="mix")
    assert (summary["status"], summary["dialogues"], sorted(summary["sectors"])) == (
        0,
        4,
        ["recall", "world-questions"],
    )
    planned = plan(sector="recall,world-questions", n=4, endpoint="builtin")
    assert isinstance(planned, MixturePlan)
    assert planned.requests == sum(one.requests for one in planned.sectors.values())


def test_a_sector_of_one_language_only_keeps_it_in_a_mixture_of_another(capsys: pytest.CaptureFixture[str]) -> None:
    asked = '[run]\nn = 2\nlanguage = "zh"\n[run.sector]\nrecall = 1\ncreation = 1\n'
    Path("m.toml").write_text(asked)
    argv = ("--config", "m.toml", "--endpoint", "builtin")
    assert "no facts in 'zh' (there are: en); add a table to a copy under --prompts" in refused(capsys, "plan", *argv)
    Path("m.toml").write_text(f'{asked}[run.sectors.recall]\nlanguage = "en"\n')
    assert main(["plan", *argv]) == 0
