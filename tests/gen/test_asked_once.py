"""No reply that was paid for is asked for a second time, whatever became of it and wherever the run is stopped."""

import asyncio
import random
import shutil
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from once import CASES, Counting, in_the_old_way, journalled, killed_while, never_stopped, told
from runs import begin, end, gen, rows

from gen.config import run_settings
from generator.progress import Progress
from generator.run import run

NAMES = [
    pytest.param(name, id=name.replace(" ", "_"), marks=[] if name in ("two speakers", "lists") else [pytest.mark.slow])
    for name in CASES
]


@pytest.mark.parametrize("name", NAMES)
async def test_a_run_killed_at_each_of_its_requests_repeats_that_request_alone(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    wanted, asked = await never_stopped(case, tmp_path / "whole")
    place = tmp_path / "killed"
    place.mkdir()
    async with Counting(case, hold=True) as server:
        words = case.words(place, server.base_url)
        while await killed_while(server, words, server.held):
            pass
        assert server.asked == Counter(dict.fromkeys(asked, 2)), "held once, answered once"
        assert journalled(place / "run") == server.paid
    assert told(place / "run") == wanted
    assert refused(place / "run"), "nothing was asked again: the case shows nothing"


@pytest.mark.parametrize("name", CASES)
async def test_a_run_stopped_by_its_cap_after_each_request_repeats_none(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    wanted, asked = await never_stopped(case, tmp_path / "whole")
    place = tmp_path / "capped"
    place.mkdir()
    async with Counting(case) as server:
        _, *words = case.words(place, server.base_url)
        for cap in range(1, asked.total() + 1):
            settings = run_settings(flags(words, max_requests=cap), place / "run.toml", {})
            summary = await run(settings, progress=Progress())
            assert server.asked.total() == summary["meter"]["requests"] == cap
            assert journalled(place / "run") == server.paid
        assert server.asked == asked
    assert told(place / "run") == wanted


def flags(words: list[object], **more: object) -> dict[str, str]:
    """The command's words by name, without its file."""
    given = dict(zip(words[::2], words[1::2], strict=True)) | more
    return {str(name).removeprefix("--"): str(value) for name, value in given.items() if name != "--config"}


@pytest.mark.slow
async def test_an_interrupt_between_a_reply_and_the_next_costs_nothing(tmp_path: Path) -> None:
    case = CASES["two speakers"]
    wanted, asked = await never_stopped(case, tmp_path / "whole")
    place = tmp_path / "interrupted"
    place.mkdir()
    async with Counting(case, delay_s=0.1) as server:
        words = case.words(place, server.base_url)
        for count in range(1, asked.total()):
            child = await begin(*words)
            while server.requests < count:
                await asyncio.sleep(0.005)
            child.send_signal(signal.SIGINT)
            (await end(child)).check(130)
            assert server.requests == count
        await gen(*words)
        assert server.asked == asked
        assert journalled(place / "run") == server.paid
    assert told(place / "run") == wanted


async def test_kills_at_any_moment_repeat_no_more_than_was_on_the_wire(tmp_path: Path) -> None:
    slots, kills = 6, 4
    case = replace(CASES["two speakers"], flags={"rounds": "2-4", "n": 12, "concurrency": slots})
    wanted, asked = await never_stopped(case, tmp_path / "whole")
    chance, place = random.Random(3), tmp_path / "killed"
    place.mkdir()
    async with Counting(case, delay_s=0.02) as server:
        words = case.words(place, server.base_url)
        moments = sorted(chance.randrange(slots, asked.total() - slots) for _ in range(kills))
        for moment in moments:
            child = await begin(*words)
            while child.returncode is None and server.requests < moment:
                await asyncio.sleep(0.001)
            child.kill()
            await end(child)
        await gen(*words)
        assert set(server.asked) == set(asked)
        repeated = server.asked.total() - asked.total()
        assert repeated <= kills * slots
        assert journalled(place / "run")["requests"] == asked.total()
    assert told(place / "run") == wanted


async def test_a_journal_of_an_earlier_version_is_gone_on_with(tmp_path: Path) -> None:
    case = replace(CASES["two speakers"], flags={"rounds": "2-4", "n": 4, "concurrency": 1})
    wanted, _ = await never_stopped(case, tmp_path / "whole")
    run_folder = tmp_path / "whole" / "run"
    turns = sum(line["k"] == "turn" for line in rows(run_folder / "journal.jsonl"))
    for lines in range(0, turns + 1, 3):
        place = tmp_path / f"old-{lines}"
        shutil.copytree(tmp_path / "whole", place)
        in_the_old_way(place / "run", lines)
        known = journalled(place / "run")
        async with Counting(case) as server:
            said = await gen(*case.words(place, server.base_url))
            assert said.status in (0, 1)
            assert max(server.asked.values(), default=1) == 1
            assert known + server.paid == journalled(place / "run")
        assert told(place / "run") == wanted


@pytest.mark.parametrize("name", ["two speakers", "transcript", "preference", "feedback", "lists in vain"])
async def test_without_a_checkpoint_the_logs_add_up_to_the_same(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    async with Counting(replace(case, flags={**case.flags, "n": 3})) as server:
        _, *words = server.case.words(tmp_path, server.base_url)
        settings = run_settings(flags(words), tmp_path / "run.toml", {})
        for _ in range(3):
            await run(settings, retry_failed=True, progress=Progress())
        counted, folder = told(tmp_path / "run"), tmp_path / "run"
        (folder / "checkpoint.json").unlink()
        before = server.requests
        await run(settings, progress=Progress())
    assert server.requests == before
    assert told(folder) == counted
    assert journalled(folder) == server.paid


def refused(folder: Path) -> list[dict[str, Any]]:
    """The replies that became no turn, and no list."""
    return [line for name in ("journal", "lists") for line in rows(folder / f"{name}.jsonl") if "reply" in line]
