"""A price stated for the embedded endpoint counts, so that a run and its cap can be rehearsed."""

from pathlib import Path

import orjson
import pytest
from test_wrong_usage import refused

from gen.main import main

DEAR = """[run]
sector = "recall"
n = 6
endpoint = "dear"
out = "made"
[endpoint.dear]
base_url = "builtin"
price = { input = 1, output = 4 }
"""
ARGV = ("--config", "p.toml")


@pytest.fixture(autouse=True)
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.toml").write_text(DEAR)


def test_what_builtin_costs_by_its_stated_price_is_told_by_plan_and_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *ARGV, "--n", "6000", "--json"]) == 0
    plan = orjson.loads(capsys.readouterr().out)
    dollars = (plan["prompt_tokens"] + 4 * plan["completion_tokens"]) / 1e6
    assert plan["cost_usd"] == pytest.approx(dollars, abs=0.02)
    assert main(["run", *ARGV, "--json"]) == 0
    roles = orjson.loads(capsys.readouterr().out)["meter"]["roles"].values()
    for role in roles:
        assert role["cost_usd"] == pytest.approx((role["prompt_tokens"] + 4 * role["completion_tokens"]) / 1e6)
    assert sum(role["cost_usd"] for role in roles) > 0


def test_the_cap_stops_a_rehearsal_and_a_higher_one_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *ARGV, "--max-cost", "0.01", "--json"]) == 3
    shown = capsys.readouterr()
    assert "--max-cost 0.01:" in shown.err
    summary = orjson.loads(shown.out)
    assert 0 < summary["meter"]["cost_usd"] <= 0.01
    assert summary["dialogues"] < 6
    assert main(["run", *ARGV, "--max-cost", "1", "--json"]) == 0
    assert orjson.loads(capsys.readouterr().out)["dialogues"] == 6


def test_a_wrong_price_of_builtin_is_refused_as_any(capsys: pytest.CaptureFixture[str]) -> None:
    Path("p.toml").write_text(DEAR.replace("input = 1", "input = -1"))
    assert "[endpoint.dear]: price.input" in refused(capsys, "plan", *ARGV)


def test_without_a_price_builtin_is_free(capsys: pytest.CaptureFixture[str]) -> None:
    Path("p.toml").write_text(DEAR.replace("price = { input = 1, output = 4 }\n", ""))
    assert main(["run", *ARGV, "--n", "1", "--max-cost", "0.0001", "--json"]) == 0
    assert orjson.loads(capsys.readouterr().out)["meter"]["cost_usd"] == 0
