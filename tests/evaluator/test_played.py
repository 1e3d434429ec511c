"""Dialogues played anew between the user simulator and each system, judged turn by turn and as a whole."""

from pathlib import Path
from typing import Any

import pytest
from desk import evaluation, figure, judge
from faulty import Answer, FaultyServer, reply

from dialogue.errors import UsageError
from evaluator.settings import PlaySettings
from generator.asking import Speaker, Terms
from generator.client.endpoint import resolve

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
    played = [path for path in (tmp_path / "out" / "play").iterdir() if path.name[0] in "01"]
    first = [
        {line.split('"role":"user","content":"')[1].split('"')[0] for line in (path / "dialogues.jsonl").open()}
        for path in played
    ]
    assert first[0] == first[1]


async def test_a_protocol_of_pairs_is_refused_for_played_dialogues(tmp_path: Path) -> None:
    play = PlaySettings(n=1, simulator=BUILTIN, rounds=(1, 1))
    with pytest.raises(UsageError, match="judged one by one"):
        await evaluation(
            tmp_path / "out", systems={"one": BUILTIN}, judge=judge("http://127.0.0.1:9/v1"), play=play,
            protocols=("faireval",),
        )  # fmt: skip
