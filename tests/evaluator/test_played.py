"""Dialogues played anew between the user simulator and each system, judged turn by turn and as a whole."""

import json
from html import escape
from pathlib import Path
from typing import Any

import pytest
from desk import evaluation, figure, judge
from faulty import Answer, FaultyServer, reply

from dialogue.errors import UsageError
from evaluator.estimating import estimate
from evaluator.preparing import prepared
from evaluator.settings import EvaluateSettings, PlaySettings
from generator.asking import Speaker, Terms
from generator.client.endpoint import Endpoint, Price, resolve

BUILTIN = Speaker(endpoint=resolve("builtin", None, {}))
OTHER = Speaker(endpoint=BUILTIN.endpoint.model_copy(update={"seed": 5}))


def behaviour(number: int, body: dict[str, Any]) -> Answer:
    """A judge that likes each turn and less the whole."""
    whole = "part in it as a whole" in body["messages"][-1]["content"]
    return reply("Rating: [[4]]" if whole else "Rating: [[8]]")


async def test_systems_play_the_same_openers_and_each_dialogue_is_judged_as_it_was_held(tmp_path: Path) -> None:
    async with FaultyServer(behaviour) as server:
        asked = {
            "systems": {"one": BUILTIN, "two": OTHER},
            "judge": judge(server.base_url),
            "play": PlaySettings(n=6, simulator=BUILTIN, rounds=(2, 3)),
            "terms": Terms(concurrency=8, retry_wait_s=0.01),
        }
        report = await evaluation(tmp_path / "out", **asked)
        before = server.requests
        again = await evaluation(tmp_path / "out", **asked)
        assert server.requests == before, "neither played nor judged twice"
    assert report["status"] in (0, 1)
    for system in ("one", "two"):
        assert figure(report, "mean_score", system)["value"] == 8
        assert figure(report, "coherence", system)["value"] == 4
        assert figure(report, "coherence", system)["clusters"] >= 5
        assert (
            2
            <= figure(report, "mean_score", system)["n_scored"] / figure(report, "mean_score", system)["clusters"]
            <= 3
        )
    assert again["figures"] == report["figures"]
    homes = [path for path in (tmp_path / "out" / "play").iterdir() if path.is_dir() and path.name != "openers"]
    assert len(homes) == 2
    first = [{opener(line) for line in (path / "dialogues.jsonl").open()} for path in homes]
    assert first[0] == first[1]
    meter = report["meter"]["roles"]
    for role in ("play, openers: opener", "play, one: user", "play, two: assistant"):
        assert meter[role]["requests"] > 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for path in homes:  # each system's own later turns are shown
        spoken = json.loads((path / "dialogues.jsonl").read_text().splitlines()[0])["messages"]
        assert escape(spoken[2]["content"][:60]) in page


def opener(line: str) -> str:
    return str(next(one["content"] for one in json.loads(line)["messages"] if one["role"] == "user"))


async def test_another_order_of_the_systems_plays_nothing_anew(tmp_path: Path) -> None:
    async with FaultyServer(behaviour) as server:
        more = {"judge": judge(server.base_url), "play": PlaySettings(n=3, simulator=BUILTIN, rounds=(1, 1))}
        await evaluation(tmp_path / "out", systems={"one": BUILTIN, "two": OTHER}, **more)
        before = server.requests
        await evaluation(tmp_path / "out", systems={"two": OTHER, "one": BUILTIN}, **more)
        assert server.requests == before
    assert len(list((tmp_path / "out" / "play").glob("*/dialogues.jsonl"))) == 3


def pupil(url: str) -> Speaker:
    return Speaker(endpoint=Endpoint(name="pupil", base_url=(url,), model="pupil", price=Price(input=1, output=1)))


async def test_a_cap_holds_for_playing_and_judging_together_and_the_report_is_written(tmp_path: Path) -> None:
    async with FaultyServer(lambda number, body: reply("A tide is a wave. Rating: [[8]]")) as server:
        asked = {
            "systems": {"one": pupil(server.base_url), "two": pupil(server.base_url)},
            "judge": judge(server.base_url),
            "play": PlaySettings(n=4, simulator=BUILTIN, rounds=(1, 1)),
        }
        report = await evaluation(tmp_path / "out", **asked, terms=Terms(max_cost_usd=0.00033, retry_wait_s=0.01))
        assert report["status"] == 3
        assert "--max-cost" in report["stopped"]
        assert report["meter"]["cost_usd"] <= 0.00033
        assert (tmp_path / "out" / "report.html").exists()
        whole = await evaluation(tmp_path / "out", **asked)
    assert whole["status"] == 0
    assert figure(whole, "coherence", "two")["clusters"] == 4


async def test_dialogues_that_failed_are_missing_and_said(tmp_path: Path) -> None:
    def sometimes(number: int, body: dict[str, Any]) -> Answer:
        if body["model"] == "pupil" and number % 3 == 0:
            return Answer(b'{"error": {"message": "too long"}}', 400)
        return reply("A tide is a wave. Rating: [[8]]")

    async with FaultyServer(sometimes) as server:
        report = await evaluation(
            tmp_path / "out",
            systems={"one": pupil(server.base_url)},
            judge=judge(server.base_url),
            play=PlaySettings(n=6, simulator=BUILTIN, rounds=(1, 1)),
            protocols=("coherence",),
        )
    calls = report["sections"][0]["calls"]["one"]
    assert calls["asked"] == 6
    assert calls["unanswered"] == 6 - calls["parsed"] > 0
    assert report["status"] == 1


def test_an_estimate_knows_of_playing(tmp_path: Path) -> None:
    settings = EvaluateSettings(
        out=tmp_path / "out",
        systems={"one": BUILTIN, "two": OTHER},
        judge=judge("http://127.0.0.1:9/v1"),
        play=PlaySettings(n=10, simulator=BUILTIN, rounds=(2, 2)),
    )
    found = {one.role: one for one in estimate(prepared(settings))}
    assert found["play, two"].requests == 30
    assert found["play, one"].requests > 30
    assert found["judge"].requests == 2 * 10 * (2 + 1)
    assert not (tmp_path / "out").exists()


async def test_a_protocol_of_pairs_is_refused_for_played_dialogues(tmp_path: Path) -> None:
    play = PlaySettings(n=1, simulator=BUILTIN, rounds=(1, 1))
    with pytest.raises(UsageError, match="judged one by one"):
        await evaluation(
            tmp_path / "out", systems={"one": BUILTIN}, judge=judge("http://127.0.0.1:9/v1"), play=play,
            protocols=("faireval",),
        )  # fmt: skip


@pytest.mark.parametrize("sector", ["domain", "materials", "self-chat", "continue"])
async def test_a_sector_that_works_on_files_of_the_users_is_refused(tmp_path: Path, sector: str) -> None:
    play = PlaySettings(n=4, simulator=BUILTIN, sector=sector)
    with pytest.raises(UsageError, match=f"--sector {sector}: works on files of yours"):
        await evaluation(tmp_path / "out", systems={"one": BUILTIN}, judge=judge("http://127.0.0.1:9"), play=play)


async def test_a_measured_system_is_not_told_what_a_sectors_guide_says(tmp_path: Path) -> None:
    heard: list[list[str]] = []

    def listening(number: int, body: dict[str, Any]) -> Answer:
        if body["model"] == "pupil":
            heard.append([message["role"] for message in body["messages"]])
        return reply("A tide is a wave. Rating: [[8]]")

    async with FaultyServer(listening) as server:
        await evaluation(
            tmp_path / "out",
            systems={"one": pupil(server.base_url)},
            judge=judge(server.base_url),
            play=PlaySettings(n=4, simulator=BUILTIN, rounds=(1, 1), sector="creation"),
            protocols=("coherence",),
        )
    assert heard
    assert not any("system" in roles for roles in heard)
