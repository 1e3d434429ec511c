"""`gen contamination` with a judge or a rephraser: whom it asks, what it saves, and how it goes on."""

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from faulty import HANG, FaultyServer, reply, status
from market import (
    CORPUS,
    NEAR,
    asked_of,
    check,
    dialogue,
    judging,
    laid_out,
    near,
    odd_leak,
    play,
    report,
    said,
    words,
    write,
    write_plants,
)
from runs import KEY_VARIABLE, Said, begin, end, leaks, rows


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return laid_out(tmp_path, monkeypatch)


# The judge


async def test_the_judge_is_asked_once_about_each_candidate_and_its_verdict_stands_with_the_hit(place: Path) -> None:
    async with FaultyServer(odd_leak) as server:
        found = check(await play(*judging(place, server)), 0, "judge: stub-1 at main, 7 questions, about ")
        assert server.requests == NEAR
        told = report(place)
        verdicts = {hit["id"]: (hit["verdict"], hit.get("verdict_reason")) for hit in told["hits"]}
        assert verdicts.pop("verbatim") == (None, None)
        assert verdicts == {f"near-{n}": ("leak" if n % 2 else "not_leak", "so it is") for n in range(1, 8)}
        judged = told["judge"]
        assert (judged["questions"], judged["leak"], judged["not_leak"], judged["stopped"]) == (7, 4, 3, None)
        assert judged["spent"]["requests"] == 7
        assert told["benchmarks"][0]["items_hit"] == 5, "one is certain, four are leaks by verdict"
        assert told["benchmarks"][0]["suspected_items"] == [], "the judge has cleared the others"
        assert "judge: 7 questions" in found.out
        assert leaks(place / "out") == []


async def test_the_same_command_again_asks_nothing_and_reports_the_same(place: Path) -> None:
    async with FaultyServer(odd_leak) as server:
        command = judging(place, server)
        check(await play(*command), 0)
        before = report(place)
        check(await play(*command), 0, "0 questions (7 answered before)")
        assert server.requests == NEAR
        assert report(place) == before


async def test_a_judge_may_be_added_to_a_report_that_had_none(place: Path) -> None:
    check(await play(*words(place, "--config", write_plants(place, 0))), 0)
    async with FaultyServer(odd_leak) as server:
        check(await play(*judging(place, server)), 0)
        assert report(place)["judge"]["questions"] == 7


async def test_of_many_candidates_the_most_alike_are_judged_each_text_once(place: Path) -> None:
    worse = near(3, "My cousin has read somewhere, and I could not believe it, the following long and winding story")
    lines = [dialogue("worse", worse), dialogue("same-1", near(3)), dialogue("same-2", near(3)), *CORPUS[:10]]
    write(place / "in.jsonl", lines)
    async with FaultyServer(lambda number, body: said("leak")) as server:
        check(await play(*judging(place, server, "--per-item", 1)), 0)
        assert server.requests == 1
        assert near(3) in server.bodies[0]["messages"][0]["content"]
        verdicts = {hit["id"]: hit["verdict"] for hit in report(place)["hits"]}
        assert verdicts == {"same-1": "leak", "same-2": "leak", "worse": None}
        check(await play(*judging(place, server, "--per-item", 2)), 0, "1 questions (1 answered before)")
        assert server.requests == 2


async def test_an_unreadable_verdict_is_counted_and_is_no_verdict(place: Path) -> None:
    async with FaultyServer(
        lambda number, body: reply("Hard to say.") if asked_of(body) == 2 else said("leak")
    ) as server:
        command = judging(place, server)
        found = check(await play(*command), 1)
        told = report(place)
        assert (told["judge"]["leak"], told["judge"]["unreadable"]) == (6, 1)
        assert next(hit for hit in told["hits"] if hit["id"] == "near-2")["verdict"] == "unreadable"
        assert told["benchmarks"][0]["suspected_items"] == ["2"], "nobody has cleared the item"
        assert "1 unreadable" in found.out
        assert server.requests == NEAR + 1
        check(await play(*command), 1)
        assert server.requests == NEAR + 1


async def test_what_failed_is_reported_and_asked_by_the_next_call(place: Path) -> None:
    async with FaultyServer(lambda number, body: status(400, "no") if asked_of(body) == 2 else said("leak")) as server:
        command = judging(place, server)
        check(await play(*command), 1)
        assert report(place)["judge"]["failed"] == 1
        server.behaviour = lambda number, body: said("leak")
        check(await play(*command), 0)
        assert server.requests == NEAR + 1
        assert report(place)["judge"]["leak"] == 7


async def test_the_judge_may_stand_among_the_roles_and_be_left_out(place: Path) -> None:
    async with FaultyServer(odd_leak) as server:
        judging(place, server)
        config = place / "project.toml"
        config.write_text(config.read_text() + '[roles]\njudge = { endpoint = "main", max_tokens = 77 }\n')
        check(await play(*words(place, "--judge", "none")), 0, "wait for a --judge")
        assert server.requests == 0
        check(await play(*words(place)), 0)
        assert server.requests == NEAR
        assert server.bodies[0]["max_tokens"] == 77
        assert server.bodies[0]["temperature"] == 0


# The rephraser


async def test_items_in_other_words_are_planted_by_the_self_test(place: Path) -> None:
    async with FaultyServer(lambda number, body: reply(near(asked_of(body)))) as server:
        judging(place, server, plants=4)
        command = words(place, "--rephrase", "main")
        check(await play(*command), 0, "rephrase: stub-1 at main, 4 questions")
        assert server.requests == 4
        kinds = {kind["kind"]: kind for kind in report(place)["self_test"]["kinds"]}
        assert kinds["rephrased"]["planted"] == 4
        lines = rows(place / "out" / "rephrased.jsonl")
        assert {line["outcome"] for line in lines} == {"rephrased"}
        check(await play(*command), 0, "0 questions (4 answered before)")
        assert server.requests == 4


# Ends


async def killed_after(place: Path, server: FaultyServer, requests: int, how: int) -> Said:
    running = await begin(*judging(place, server, "--concurrency", 1))
    while server.requests < requests:
        await asyncio.sleep(0.01)
    running.send_signal(how)
    return await end(running)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
async def test_after_a_kill_only_what_was_on_the_wire_is_asked_again(place: Path) -> None:
    async with FaultyServer(lambda number, body: replace(odd_leak(number, body), delay_s=0.1)) as server:
        await killed_after(place, server, 4, signal.SIGKILL)
        check(await play(*judging(place, server, "--concurrency", 1)), 0)
        assert server.requests <= NEAR + 1
        assert report(place)["judge"]["questions"] == 7
        keys = [line["key"] for line in rows(place / "out" / "verdicts.jsonl")]
        assert len(set(keys)) == len(keys) == 7


async def test_an_interrupt_saves_what_is_on_the_wire_and_the_same_command_goes_on(place: Path) -> None:
    async with FaultyServer(lambda number, body: replace(odd_leak(number, body), delay_s=0.3)) as server:
        found = await killed_after(place, server, 3, signal.SIGINT)
        check(found, 130, "interrupted: waiting for 1 replies")
        assert "3 questions answered and saved, 4 open; the same command goes on" in found.out
        assert len(rows(place / "out" / "verdicts.jsonl")) == 3
        check(await play(*judging(place, server)), 0)
        assert server.requests == NEAR


async def test_a_cap_on_cost_stops_the_judge_and_the_report_says_what_is_open(place: Path) -> None:
    price = "price = { input = 100.0, output = 100.0 }"  # 0.08 USD for each question
    usage = {"prompt_tokens": 780, "completion_tokens": 20}
    async with FaultyServer(lambda number, body: said("leak", usage=usage)) as server:
        command = judging(place, server, "--max-cost", 0.25, "--concurrency", 1, endpoint=price)
        check(await play(*command), 3, "--max-cost 0.25", "of at most $0.25")
        judged = report(place)["judge"]
        assert 0 < server.requests < NEAR
        assert judged["open"] == NEAR - server.requests
        assert "--max-cost" in judged["stopped"]
        check(await play(*judging(place, server, "--max-cost", 5, endpoint=price)), 0)
        assert server.requests == NEAR


async def test_a_refused_key_stops_it_with_status_3_and_the_scan_is_reported(place: Path) -> None:
    async with FaultyServer(lambda number, body: status(401, "no such key")) as server:
        check(await play(*judging(place, server)), 3, "no such key", KEY_VARIABLE)
        told = report(place)
        assert told["judge"]["open"] == 7
        assert len(told["benchmarks"][0]["suspected_items"]) == 7


async def test_a_second_command_on_the_folder_is_refused(place: Path) -> None:
    async with FaultyServer(lambda number, body: HANG) as server:
        first = await begin(*judging(place, server))
        while not server.requests:
            await asyncio.sleep(0.02)
        check(await play(*judging(place, server)), 2, "is at work in it")
        first.kill()
        await end(first)
