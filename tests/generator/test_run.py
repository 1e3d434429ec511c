"""A whole run in this process against a real server on 127.0.0.1."""

import re
from pathlib import Path
from typing import Any

import pytest
from faulty import Answer, FaultyServer, reply

from dialogue.jsonl import objects
from gen.config import run_settings
from generator.progress import Progress
from generator.run import run
from generator.settings import RunSettings

OPENERS = "Why do old bridges last so long?\nHow is salt won from the sea?\n"


def settings(server: FaultyServer, tmp_path: Path, **flags: Any) -> RunSettings:
    options = {"sector": "world-questions", "n": 2, "out": tmp_path / "run", "endpoint": server.base_url, "model": "m"}
    return run_settings({name: str(value) for name, value in {**options, **flags}.items()}, environ={})


def of_openers(server: FaultyServer, tmp_path: Path) -> RunSettings:
    (tmp_path / "openers.txt").write_text(OPENERS)
    return settings(server, tmp_path, openers=tmp_path / "openers.txt", rounds="2-2")


def is_user(body: dict[str, Any]) -> bool:
    return "* * *" in body["messages"][-1]["content"]


async def test_a_retried_dialogue_is_asked_for_with_other_seeds_and_keeps_its_turns(tmp_path: Path) -> None:
    thanks = True

    def behave(number: int, body: dict[str, Any]) -> Answer:
        if not is_user(body):
            return reply(f"Answer number {number} tells something of its own, at some length, and then it ends here.")
        return reply("Thank you so much!" if thanks else "and what about the smaller ones by the river then?")

    async with FaultyServer(behave) as server:
        first = await run(of_openers(server, tmp_path), progress=Progress())
        assert (first["status"], first["failed"], first["failed_reasons"]) == (1, 2, {"politeness": 2})
        asked = [body["seed"] for body in server.bodies if is_user(body)]
        answers = sum(not is_user(body) for body in server.bodies)
        again = await run(of_openers(server, tmp_path), retry_failed=True, progress=Progress())
        assert again["failed"] == 2
        later = [body["seed"] for body in server.bodies if is_user(body)][len(asked) :]
        assert len(later) == 4
        assert not set(asked) & set(later)
        assert sum(not is_user(body) for body in server.bodies) == answers  # the first answers were paid for already
        thanks = False
        last = await run(of_openers(server, tmp_path), retry_failed=True, progress=Progress())
    assert (last["status"], last["dialogues"], last["failed"], last["failed_reasons"]) == (0, 2, 0, {})
    assert len(list(objects(tmp_path / "run" / "dialogues.jsonl"))) == 2


async def test_a_user_who_ends_it_without_a_word_is_not_asked_again_where_the_dialogue_is_written_anew(
    tmp_path: Path,
) -> None:
    def behave(number: int, body: dict[str, Any]) -> Answer:
        if is_user(body):
            ends = re.findall("⟦.+?⟧", body["messages"][-1]["content"])
            return reply(ends[0] if ends else f"and what about the smaller ones by river {number} there then?")
        return reply(f"Answer number {number} tells something of its own, at some length, and then it ends here.")

    async with FaultyServer(behave) as server:
        (tmp_path / "openers.txt").write_text("".join(f"Why do {n} old bridges last so long?\n" for n in range(2, 16)))
        asked = settings(server, tmp_path, n=14, openers=tmp_path / "openers.txt", rounds="1-7")
        first = await run(asked, progress=Progress())
        count, folder = server.requests, tmp_path / "run"
        made = spoken(folder)
        ends = [line for _, line in objects(folder / "journal.jsonl") if line["k"] == "reply" and "noted" not in line]
        assert ends
        (folder / "dialogues.jsonl").unlink()
        again = await run(asked, progress=Progress())
        assert server.requests == count
    assert (again["dialogues"], again["failed"]) == (first["dialogues"], first["failed"])
    assert spoken(folder) == made


def spoken(folder: Path) -> dict[str, Any]:
    """The messages of each dialogue, by id."""
    return {line["id"]: line["messages"] for _, line in objects(folder / "dialogues.jsonl")}


async def test_an_opener_writer_that_never_writes_a_list_stops_the_run_and_binds_nobody(tmp_path: Path) -> None:
    async with FaultyServer(lambda number, body: reply("I would rather talk about the weather.")) as server:
        summary = await run(settings(server, tmp_path, n=20), progress=Progress())
        assert summary["status"] == 3
        assert "came to nothing" in summary["stopped"]
        asked = len(server.bodies)
        assert asked <= 60
        same = await run(settings(server, tmp_path, n=20), progress=Progress())
        assert same["status"] == 3
        assert server.bodies[0] in server.bodies[asked:]  # the server may have been mended since
        assert same["meter"]["requests"] == (asked := len(server.bodies))
        another = await run(settings(server, tmp_path, n=20, model="another"), progress=Progress())
        assert another["status"] == 3  # and not refused as another request
        assert server.bodies[0]["seed"] in {body["seed"] for body in server.bodies[asked:]}


async def test_all_roles_of_one_server_and_key_go_by_the_least_limit_that_is_stated(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(
        '[run]\nsector = "world-questions"\nn = 2\n'
        '[endpoint.a]\nbase_url = "http://127.0.0.1:9/v1"\nrequests_per_minute = 60\n'
        '[endpoint.b]\nbase_url = "http://127.0.0.1:9/v1"\n'
        '[roles]\nopener = "a"\nuser = "b"\nassistant = "b"\n'
    )
    found = run_settings({}, tmp_path / "p.toml", {})
    assert {endpoint.requests_per_minute for endpoint in found.endpoints.values()} == {60}


@pytest.mark.parametrize("first", ["en:1,zh:1", "zh:2,en:2"])
def test_a_mixture_is_the_same_however_it_is_written(first: str) -> None:
    flags = {"sector": "world-questions", "n": "2", "endpoint": "builtin", "language": first}
    assert list(run_settings(flags, environ={}).language) == ["en", "zh"]
