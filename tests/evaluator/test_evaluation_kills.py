"""An evaluation that is killed at random goes on: no judge call is made twice but those on the wire, same report."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from biased import BiasedJudge
from desk import answers, questions
from faulty import Answer, FaultyServer
from runs import begin, end, rows

from dialogue.chance import rng

ITEMS, KILLS, CONCURRENCY = 805, 10, 16


def asked(body: dict[str, Any]) -> str:
    return json.dumps([body["messages"], body.get("seed")])


def plain(folder: Path) -> dict[str, Any]:
    """The report without what a second run has otherwise: when it was made, and what it cost."""
    report = json.loads((folder / "report.json").read_bytes())
    return {name: value for name, value in report.items() if name not in ("created", "meter")}


def words(place: Path, url: str, out: str) -> list[object]:
    config = place / "project.toml"
    config.write_text(f'[endpoint.judge]\nbase_url = "{url}"\nmodel = "biased"\n[evaluate]\nretry_wait_s = 0.01\n')
    benchmark = place / "bench.jsonl"
    files = [place / "one.json", place / "two.json"]
    given = [
        "--benchmark",
        f"bench={benchmark}",
        "--answers",
        *files,
        "--baseline",
        "two",
        "--protocol",
        "mt_bench_pair",
    ]
    return [
        "evaluate",
        "--config",
        config,
        *given,
        "--judge",
        "judge",
        "--concurrency",
        CONCURRENCY,
        "--out",
        place / out,
    ]


@pytest.mark.slow
async def test_killed_ten_times_it_repeats_nothing_but_what_was_on_the_wire(tmp_path: Path) -> None:
    benchmark = questions(tmp_path / "bench.jsonl", ITEMS)
    for name in ("one", "two"):
        answers(tmp_path / f"{name}.json", benchmark, name)
    judge = BiasedJudge("mt_bench_pair", first=0.2, refuse=0.02)
    seen: Counter[str] = Counter()

    def behaviour(number: int, body: dict[str, Any]) -> Answer:
        seen[asked(body)] += 1
        return Answer(judge(number, body).body, delay_s=0.01)

    async with FaultyServer(behaviour) as server:
        command = words(tmp_path, server.base_url, "out")
        marks = sorted(rng("kills", 1).sample(range(20, 2 * ITEMS - 40), KILLS))
        for mark in marks:
            child = await begin(*command)
            while server.requests < mark and child.returncode is None:
                await asyncio.sleep(0.005)
            if child.returncode is None:
                child.kill()
            await child.wait()
        (await end(await begin(*command))).check(1)  # the judge refused some: that is said
        repeated = sum(times - 1 for times in seen.values())
        assert len(seen) == 2 * ITEMS
        assert repeated <= KILLS * CONCURRENCY
        assert len({row["key"] for row in rows(tmp_path / "out" / "judgments.jsonl")}) == 2 * ITEMS
        (await end(await begin(*words(tmp_path, server.base_url, "whole")))).check(1)
    assert plain(tmp_path / "out") == plain(tmp_path / "whole")
