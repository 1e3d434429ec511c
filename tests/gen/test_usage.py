"""The commands used as they are meant to be: interrupted, resumed, extended, capped."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

import pytest
from faulty import HANG, Answer
from runs import (
    KEY,
    Body,
    Disk,
    Good,
    Watched,
    begin,
    end,
    gen,
    leaks,
    mentions,
    on,
    question,
    questions,
    rows,
    side,
    well,
    write_openers,
)

SECTOR = ("--sector", "world-questions")
BUILTIN = ("run", *SECTOR, "--endpoint", "builtin")


def slow(number: int, body: Body) -> Answer:
    return Good(well(body).body, delay_s=0.6)


# Interrupts


async def test_one_interrupt_keeps_every_reply_on_the_wire_and_the_same_command_goes_on(tmp_path: Path) -> None:
    async with Watched(slow) as server:
        child = await begin(*on(server, tmp_path, 6))
        while server.requests < 8:  # a first answer is there, and second turns are on the wire
            await asyncio.sleep(0.02)
        child.send_signal(signal.SIGINT)
        said = (await end(child)).check(130, "interrupted: waiting for", "Ctrl-C again leaves at once")
        assert "not finished: 6; the same command goes on" in said.out
        disk, asked = Disk.of(tmp_path / "run"), server.requests
        assert disk.turns == asked, "every reply that was under way is kept"
        assert disk.failures == []
        assert disk.summary["status"] == 130
        answered = Counter(server.answered)
        (await gen(*on(server, tmp_path, 6))).check(0)
        assert len(Disk.of(tmp_path / "run").dialogues) == 6
        assert not [body for body in server.since(asked) if question(body) in answered]
        assert server.requests == 18


async def test_a_second_interrupt_leaves_at_once_and_only_what_was_on_the_wire_is_asked_again(tmp_path: Path) -> None:
    async with Watched(lambda number, body: well(body) if number < 8 else HANG) as server:
        child = await begin(*on(server, tmp_path, 6))
        assert child.stderr is not None
        while server.requests < 14:
            await asyncio.sleep(0.02)
        child.send_signal(signal.SIGINT)
        while b"interrupted" not in await child.stderr.readline():
            pass
        child.send_signal(signal.SIGINT)
        (await end(child, 10)).check(130)
        assert Disk.of(tmp_path / "run").turns == 8
        answered, asked = Counter(server.answered), server.requests
        server.act = lambda number, body: well(body)
        (await gen(*on(server, tmp_path, 6))).check(0)
        again = [question(body) for body in server.since(asked)]
        assert len(again) == 10, "18 turns, 8 of which were finished"
        assert not set(again) & set(answered)


async def test_an_interrupt_before_the_first_request_leaves_a_folder_that_goes_on(tmp_path: Path) -> None:
    words = (*BUILTIN, "--n", 4, "--out", tmp_path / "run")
    child = await begin(*words)
    while not (tmp_path / "run").exists() and child.returncode is None:  # the interpreter's own start is not ours
        await asyncio.sleep(0.001)
    child.send_signal(signal.SIGINT)
    said = await end(child)
    assert said.status in (130, -signal.SIGINT, 0), said.err
    assert "Traceback" not in said.err
    (await gen(*words)).check(0)
    assert len(Disk.of(tmp_path / "run").dialogues) == 4


# The folder


async def test_a_larger_n_extends_the_folder_and_equals_a_run_made_at_once(tmp_path: Path) -> None:
    grown, whole = tmp_path / "grown", tmp_path / "whole"
    (await gen(*BUILTIN, "--n", 6, "--out", grown)).check(0)
    first = Disk.of(grown)
    (await gen(*BUILTIN, "--n", 10, "--out", grown)).check(0)
    (await gen(*BUILTIN, "--n", 10, "--out", whole, "--concurrency", 1)).check(0)
    extended, at_once = Disk.of(grown), Disk.of(whole)
    assert extended.openers[:6] == first.openers
    assert extended.dialogues[:6] == first.dialogues
    assert extended.openers == at_once.openers, "plan(n) is a prefix of plan(n + k), whatever the concurrency"
    assert said_by_id(extended) == said_by_id(at_once)


def said_by_id(disk: Disk) -> dict[str, list[str]]:
    return {one["id"]: [message["content"] for message in one["messages"]] for one in disk.dialogues}


async def test_a_smaller_n_asks_nothing_and_loses_nothing(tmp_path: Path) -> None:
    async with Watched() as server:
        (await gen(*on(server, tmp_path, 4))).check(0)
        said = (await gen(*on(server, tmp_path, 2))).check(0)
        assert server.requests == 12
        assert len(Disk.of(tmp_path / "run").dialogues) == 4
        assert " -2" not in said.out, "no negative number of anything"


async def test_other_settings_are_refused_with_the_difference(tmp_path: Path) -> None:
    words = (*BUILTIN, "--n", 2, "--out", tmp_path / "run")
    (await gen(*words, "--rounds", "2-2")).check(0)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.name != ".lock"}
    said = (await gen(*words, "--rounds", "3-3", "--seed", 5)).check(2, "other settings", "choose another --out")
    assert 'rounds was "2-2", is now "3-3"' in said.err
    assert "seed was 0, is now 5" in said.err
    after = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.name != ".lock"}
    assert after == before


async def test_the_address_the_key_and_the_limits_may_change_between_calls(tmp_path: Path) -> None:
    async with Watched() as server, Watched() as other:
        (await gen(*on(server, tmp_path, 2))).check(0)
        words = (*on(other, tmp_path, 4), "--rpm", 6000, "--concurrency", 2, "--max-requests", 100)
        config = tmp_path / "run.toml"
        config.write_text(config.read_text().replace("REHEARSAL_KEY", "ANOTHER_KEY"))
        (await gen(*words, environ={"ANOTHER_KEY": "other"})).check(0)
        assert other.requests == 6


async def test_a_torn_last_line_is_cut_and_said_and_only_its_turn_is_asked_again(tmp_path: Path) -> None:
    async with Watched() as server:
        (await gen(*on(server, tmp_path, 3), "--max-requests", 5)).check(3)
        journal = tmp_path / "run" / "journal.jsonl"
        journal.write_bytes(journal.read_bytes()[:-20])
        (await gen(*on(server, tmp_path, 3))).check(0, "cut a torn last line")
        assert server.requests == 10, "9 turns, one of them twice"
        assert len(Disk.of(tmp_path / "run").dialogues) == 3


@pytest.mark.parametrize("name", ["journal.jsonl", "dialogues.jsonl", "openers.jsonl"])
async def test_a_line_that_is_not_json_is_named(name: str, tmp_path: Path) -> None:
    words = (*BUILTIN, "--n", 3, "--out", tmp_path / "run")
    (await gen(*words)).check(0)
    file = tmp_path / "run" / name
    lines = file.read_bytes().split(b"\n")
    lines[1] = b"{torn"
    file.write_bytes(b"\n".join(lines))
    (tmp_path / "run" / "checkpoint.json").unlink()
    (await gen(*words)).check(2, f"{name}:2", "not JSON")


async def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "run"
    file.write_text("mine")
    (await gen(*BUILTIN, "--n", 2, "--out", file)).check(2, f"--out {file}", "is a file")
    assert file.read_text() == "mine"


async def test_a_folder_whose_name_is_no_text_is_no_trouble(tmp_path: Path) -> None:
    folder = tmp_path / "run-\udcff"
    said = await gen(*BUILTIN, "--n", 2, "--out", folder)
    if said.status != 2:
        said.check(0)
        assert Disk.of(folder).summary["dialogues"] == 2


async def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dialogues.jsonl").write_text('{"messages": []}\n')
    (await gen(*BUILTIN, "--n", 2, "--out", tmp_path)).check(2, "no run.json", "choose another --out")
    assert (tmp_path / "dialogues.jsonl").read_text() == '{"messages": []}\n'


async def test_the_folder_is_named_after_the_sector_where_none_is_given(tmp_path: Path) -> None:
    (await gen(*BUILTIN, "--n", 1, cwd=tmp_path)).check(0, "writing to runs/world-questions")
    assert (tmp_path / "runs" / "world-questions" / "dialogues.jsonl").exists()


async def test_a_run_with_failures_asks_nothing_until_it_is_told_to_try_them_again(tmp_path: Path) -> None:
    def one_is_bad(number: int, body: Body) -> Answer:
        return Answer(b"no", 400) if mentions(body, "Saturn") and len(body["messages"]) >= 3 else well(body)

    async with Watched(one_is_bad) as server:
        (await gen(*on(server, tmp_path, 4))).check(1)
        asked, server.act = server.requests, lambda number, body: well(body)
        said = (await gen(*on(server, tmp_path, 4))).check(1)
        assert "1 bad_request" in said.out
        assert server.requests == asked
        (await gen(*on(server, tmp_path, 4), "--retry-failed")).check(0, "1 failed dialogues are tried again")
        assert server.requests == asked + 1 + side_turns(server, asked), "only what was missing"
        assert rows(tmp_path / "run" / "failures.jsonl") == []


def side_turns(server: Watched, mark: int) -> int:
    """Later turns of the same dialogue."""
    return len(server.since(mark)) - 1


# Caps


async def test_max_requests_stops_with_status_3_and_goes_on(tmp_path: Path) -> None:
    async with Watched() as server:
        (await gen(*on(server, tmp_path, 6), "--max-requests", 7)).check(3, "--max-requests 7", "a higher one")
        assert server.requests == 7
        assert Disk.of(tmp_path / "run").turns == 7
        answered = Counter(server.answered)
        (await gen(*on(server, tmp_path, 6), "--max-requests", 18)).check(0)
        assert server.requests == 18, "the cap holds for all calls together"
        assert not [body for body in server.since(7) if question(body) in answered]


async def test_max_cost_stops_below_the_cap_and_goes_on(tmp_path: Path) -> None:
    async with Watched() as server:
        words = on(server, tmp_path, 6)
        config = tmp_path / "run.toml"
        config.write_text(config.read_text().replace("[roles]", "price = { input = 1.0, output = 100.0 }\n[roles]"))
        (await gen(*words, "--max-cost", 0.05)).check(3, "--max-cost 0.05", "USD spent", "a higher one")
        disk = Disk.of(tmp_path / "run")
        assert 0 < disk.summary["meter"]["cost_usd"] <= 0.05
        (await gen(*words, "--max-cost", 10)).check(0)
        spent = sum(dialogue["cost_usd"] for dialogue in Disk.of(tmp_path / "run").dialogues)
        assert spent == pytest.approx(Disk.of(tmp_path / "run").summary["meter"]["cost_usd"])


# Secrets


async def test_a_key_that_the_server_throws_back_is_struck_out_everywhere(tmp_path: Path) -> None:
    def tattle(number: int, body: Body) -> Answer:
        shout = f"<html>Authorization: Bearer {KEY} and again {KEY}</html>".encode()
        return Answer(shout, 500) if mentions(body, "Saturn") and side(body) == "assistant" else well(body)

    async with Watched(tattle) as server:
        (await gen(*on(server, tmp_path, 3))).check(1)
        assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert leaks(tmp_path) == []
    assert "***" in Disk.of(tmp_path / "run").failures[0]["detail"]


async def test_a_key_of_openai_is_sent_and_shown_nowhere(tmp_path: Path) -> None:
    openers = write_openers(tmp_path / "openers.txt", questions(2))
    async with Watched() as server:
        environ = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.base_url}
        words = ("run", *SECTOR, "--n", 2, "--rounds", "1-1", "--openers", openers, "--out", tmp_path / "run")
        (await gen(*words, environ=environ)).check(0, "gpt-4.1-mini")
        assert server.headers[0]["authorization"] == f"Bearer {KEY}"
        assert {body["model"] for body in server.bodies} == {"gpt-4.1-mini"}
    assert leaks(tmp_path) == []
    found = Disk.of(tmp_path / "run").dialogues
    assert {message.get("model") for one in found for message in one["messages"] if message["role"] == "assistant"} == {
        "stub-1"
    }
