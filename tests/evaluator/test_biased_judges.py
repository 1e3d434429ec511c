"""Each protocol from end to end, with a judge whose leanings are planted: the report finds them, and their size."""

from pathlib import Path

import pytest
from biased import BiasedJudge
from desk import figure, holds, judged
from faulty import FaultyServer

PAIRS = ["alpaca_eval_1", "alpaca_eval_2", "arena_hard", "evol_instruct", "faireval", "mt_bench_pair", "openchat"]
SINGLES = ["mt_bench", "belle", "coherence", "rubric"]
EVERY = [*PAIRS, *SINGLES, "vicuna_bench", "dreamergpt"]
FIRST, LONGER, REFUSED = 0.3, 0.4, 0.1


@pytest.mark.parametrize("protocol", PAIRS)
async def test_a_judge_that_takes_the_first_in_three_of_ten_is_found_to(protocol: str, tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge(protocol, first=FIRST)) as server:
        report = await judged(tmp_path, server.base_url, protocol, ["one", "two"], 300, baseline="two")
    found = figure(report, "position_bias", "one")
    assert holds(found, FIRST)
    assert found["low"] > 0.1
    assert figure(report, "first_rate", "one")["value"] > 0.5


async def test_a_judge_without_leanings_has_none(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("faireval")) as server:
        report = await judged(tmp_path, server.base_url, "faireval", ["one", "two"], 200, baseline="two")
    assert holds(figure(report, "position_bias", "one"), 0.0)
    assert figure(report, "conflict_rate", "one")["value"] == 0.0
    assert holds(figure(report, "length_bias", "one"), 0.0)


async def test_conflicts_between_the_orders_are_counted(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("mt_bench_pair", first=1.0)) as server:
        report = await judged(tmp_path, server.base_url, "mt_bench_pair", ["one", "two"], 40, baseline="two")
    assert figure(report, "conflict_rate", "one")["value"] == 1.0
    assert figure(report, "adjusted_win_rate", "one")["value"] == 50.0


async def test_where_one_side_always_stands_first_no_bias_is_claimed(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("vicuna_bench", first=FIRST)) as server:
        report = await judged(tmp_path, server.base_url, "vicuna_bench", ["one", "two"], 60, baseline="two")
    assert not [one for one in report["figures"] if one["name"] in ("position_bias", "first_rate")]


async def test_on_a_sheet_the_first_place_is_found_to_pay(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("dreamergpt", first=FIRST)) as server:
        report = await judged(tmp_path, server.base_url, "dreamergpt", ["one", "two", "three"], 200)
    bias = figure(report, "place_bias", "one")
    planted = FIRST * (10 - 5.5)  # in three of ten sheets a first answer worth 5.5 on average gets a 10
    assert holds(bias, planted)
    assert bias["low"] > 0.3


@pytest.mark.parametrize("protocol", [*PAIRS, "vicuna_bench"])
async def test_a_judge_that_takes_the_longer_one_is_found_to(protocol: str, tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge(protocol, longer=LONGER)) as server:
        report = await judged(tmp_path, server.base_url, protocol, ["one", "two"], 300, baseline="two")
    found = figure(report, "length_bias", "one")
    assert holds(found, LONGER)
    assert found["low"] > 0.2


@pytest.mark.parametrize(("protocol", "factor"), [("mt_bench", 1.0), ("coherence", 1.0), ("belle", 0.1)])
async def test_points_for_length_are_found_and_measured(protocol: str, factor: float, tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge(protocol, slope=0.3)) as server:
        report = await judged(tmp_path, server.base_url, protocol, ["one", "two"], 300)
    found = figure(report, "length_slope", "one")
    assert holds(found, 0.3 * factor)
    assert found["low"] > 0


@pytest.mark.parametrize("protocol", EVERY)
async def test_a_judge_that_refuses_a_tenth_is_found_to_and_never_becomes_a_number(
    protocol: str, tmp_path: Path
) -> None:
    baseline = "two" if protocol in (*PAIRS, "vicuna_bench") else None
    async with FaultyServer(BiasedJudge(protocol, refuse=REFUSED)) as server:
        report = await judged(tmp_path, server.base_url, protocol, ["one", "two"], 300, baseline=baseline)
    assert report["status"] == 1
    assert holds(figure(report, "refused_rate", "one"), REFUSED)
    head = figure(report, report["sections"][0]["headline"], "one", headline=True)
    assert head["n_scored"] < head["n_asked"]
    assert head["worst"] < head["value"] < head["best"]
    assert any("have no verdict" in note for note in report["sections"][0]["notes"])


async def test_unreadable_replies_are_counted_apart_from_refusals(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("mt_bench", garble=0.2)) as server:
        report = await judged(tmp_path, server.base_url, "mt_bench", ["one"], 100)
    calls = report["sections"][0]["calls"]["one"]
    assert calls["unparsed"] > 5
    assert "refused" not in calls
    assert calls["parsed"] + calls["unparsed"] == 100
