"""`gen run` with a model that was taught the user's side: what it is asked, how it ends, who is refused."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from faulty import Answer, reply
from runs import Body, Disk, Good, Watched, begin, end, gen, question

from dialogue.ending import END
from dialogue.records import Seed
from prompts.brief import brief
from prompts.loader import Prompts

WORDS = (
    "Why would that matter to me?",
    "and how long does it take",
    "Which of the two is the cheaper one?",
    "I had heard it was the other way round.",
    "ok but what about the winter",
    "Make it shorter, please.",
    "Where would I look that up?",
)


def heard(body: Body) -> int:
    """How many messages of the user's the model was shown."""
    return sum(message["role"] == "user" for message in body["messages"])


def user_lm(number: int, body: Body) -> Answer:
    """UserLM as it should be: a next message, and the end signal after the fourth."""
    said = END if heard(body) >= 4 else WORDS[heard(body)]
    return Good(reply(said).body)


def asks(server: Watched, out: Path, *words: object, n: int = 12, sector: str = "world-questions") -> list[object]:
    """The command."""
    given = ("--endpoint", "builtin", "--trained-user", server.base_url, "--out", out, "--n", n)
    return ["run", "--sector", sector, *given, *words]


async def test_it_is_asked_in_its_own_role_under_a_brief_and_no_note(tmp_path: Path) -> None:
    async with Watched(user_lm) as server:
        said = (await gen(*asks(server, tmp_path / "run"))).check(0, "taught the user's side: it speaks for itself")
    disk = Disk.of(tmp_path / "run")
    assert len(disk.dialogues) == 12
    briefs = {row["seed"]["extra"]["user"]["brief"]: row for row in disk.dialogues}
    for body in server.bodies:
        head, *talk = body["messages"]
        assert head["role"] == "system"
        row = briefs[head["content"]]
        assert [one["role"] for one in talk] == ["user", "assistant"] * (len(talk) // 2)
        assert [one["content"] for one in talk] == [one["content"] for one in row["messages"][: len(talk)]]
        assert (body["temperature"], body["top_p"]) == (1.0, 0.95)
    for text, row in briefs.items():
        seed = Seed.model_validate(row["seed"])
        assert brief(Prompts(), seed) == text, "a training makes the same of the record"
        assert seed.persona in text
        assert seed.extra["goal"]["line"] in text
        turns = [one["content"] for one in row["messages"] if one["role"] == "user"][1:]
        assert turns == list(WORDS[1 : 1 + len(turns)]), "no typing noise: the model types as it does"
        assert 3 <= len(turns) + 1 <= min(4, seed.extra["rounds"])
        assert row["seed"]["extra"]["acts"] == [{"turn": number + 2} for number in range(len(turns))]
        assert row["stop"] == "user_stopped"
    assert "builtin is no language model" in said.err


async def test_an_end_below_the_fewest_rounds_is_asked_again_and_silence_ends_too(tmp_path: Path) -> None:
    seeds: dict[str, list[int]] = {}

    def hasty(number: int, body: Body) -> Answer:
        seen = seeds.setdefault(json.dumps(body["messages"]), [])
        seen.append(body["seed"])
        if heard(body) == 1:
            return reply(("", END, WORDS[1])[len(seen) - 1])
        if heard(body) == 2:
            return reply((f"{WORDS[2]}\n{END}\n{WORDS[3]}", WORDS[2])[len(seen) - 1] if len(seen) < 2 else WORDS[2])
        return reply("" if number % 2 else "Thank you!")

    async with Watched(hasty) as server:
        (await gen(*asks(server, tmp_path / "run", "--rounds", "3-7"))).check(0)
    disk = Disk.of(tmp_path / "run")
    assert len(disk.dialogues) == 12
    assert {len(row["messages"]) for row in disk.dialogues} == {6}
    assert all(row["messages"][4]["content"] == WORDS[2] for row in disk.dialogues), "before a signal, not lost"
    firsts = [found for text, found in seeds.items() if len(json.loads(text)) == 3]
    assert all(len(found) == 3 == len(set(found)) for found in firsts), "each time with another seed"
    kept = Counter(event["k"] for event in disk.journal)
    longer = sum(row["seed"]["extra"]["rounds"] > 3 for row in disk.dialogues)
    assert kept["reply"] == 2 * 12 + longer > 24, "two ends too early, and one at the end: paid for, so kept"


async def test_who_never_writes_a_turn_loses_its_dialogues(tmp_path: Path) -> None:
    async with Watched(lambda number, body: reply(END)) as server:
        (await gen(*asks(server, tmp_path / "run", n=3))).check(1)
    assert Disk.of(tmp_path / "run").reasons == {"markers": 3}
    assert len(server.bodies) == 12, "four times each"


@pytest.mark.parametrize("after", [5, 17, 29])
async def test_a_killed_run_goes_on_and_repeats_only_what_was_in_flight(tmp_path: Path, after: int) -> None:
    out = tmp_path / "run"

    def slow(number: int, body: Body) -> Answer:
        good = user_lm(number, body)
        return Good(good.body, delay_s=0.05)

    async with Watched(slow) as server:
        child = await begin(*asks(server, out, "--concurrency", "4", n=16))
        while len(server.bodies) < after:
            await asyncio.sleep(0.01)
        child.kill()
        await child.communicate()
        mark = len(server.bodies)
        (await end(await begin(*asks(server, out, "--concurrency", "4", n=16)))).check(0)
    asked = Counter(map(question, server.bodies))
    assert sum(asked.values()) - len(asked) <= 4, "those in flight"
    assert mark < len(server.bodies)
    disk = Disk.of(out)
    assert len(disk.dialogues) == 16
    async with Watched(user_lm) as other:
        (await gen(*asks(other, tmp_path / "whole", "--concurrency", "4", n=16))).check(0)
    told = {row["id"]: row["messages"] for row in Disk.of(tmp_path / "whole").dialogues}
    assert {row["id"]: row["messages"] for row in disk.dialogues} == told


def _config(tmp_path: Path, url: str, user: str) -> Path:
    path = tmp_path / "project.toml"
    path.write_text(
        f'[endpoint.lm]\nbase_url = "{url}"\nmodel = "userlm"\n[roles]\nopener = "builtin"\n'
        f'assistant = "builtin"\nuser = {user}\n',
        encoding="utf-8",
    )
    return path


async def test_a_project_names_it_with_its_sampling_and_without_a_brief(tmp_path: Path) -> None:
    words = ("run", "--sector", "world-questions", "--n", "3", "--config")
    async with Watched(user_lm) as server:
        bare = _config(
            tmp_path, server.base_url, '{ endpoint = "lm", trained = true, brief = false, temperature = 0.7 }'
        )
        (await gen(*words, bare, "--out", tmp_path / "bare")).check(0, "told nothing")
        assert all(body["messages"][0]["role"] == "user" for body in server.bodies)
        assert {body["temperature"] for body in server.bodies} == {0.7}
        row = Disk.of(tmp_path / "bare").dialogues[0]
        assert row["seed"]["extra"]["user"] == {"trained": True, "brief": None}
        briefed = _config(tmp_path, server.base_url, '{ endpoint = "lm", trained = true, temperature = 0.7 }')
        (await gen(*words, briefed, "--out", tmp_path / "bare")).check(2, "brief")
        wrong = _config(tmp_path, server.base_url, '{ endpoint = "lm", brief = false }')
        (await gen(*words, wrong, "--out", tmp_path / "x")).check(2, "is for a trained user; add trained = true")


@pytest.mark.parametrize(
    ("sector", "words", "why"),
    [
        ("recall", (), "code draws what the user says next"),
        ("tool-use", (), "code draws what the user says next"),
        ("school-math", (), "code draws what the user says next"),
        ("domain", ("--input", "page.toml"), "code draws what the user says next"),
        ("self-chat", (), "one request writes a whole dialogue"),
        ("self-chat", ("--shares", "feedback"), "rates answers"),
        ("preference", ("--input", "x.jsonl"), "rates answers"),
        ("reanswer", ("--input", "x.jsonl"), "puts messages that are there already"),
    ],
)
async def test_a_sector_whose_users_are_steered_refuses_it(
    tmp_path: Path, sector: str, words: tuple[str, ...], why: str
) -> None:
    async with Watched(user_lm) as server:
        said = await gen(*asks(server, tmp_path / "run", *words, sector=sector))
        said.check(2, f"a trained user cannot play the user of {sector}: ", why, "let a simulator play the user")
        assert not server.bodies
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("sector", ["creation", "role-chat", "harmless", "self-instruct", "evol-instruct", "materials"])
async def test_other_sectors_take_it(tmp_path: Path, sector: str) -> None:
    more: tuple[Any, ...] = ()
    if sector == "materials":
        passages = tmp_path / "p.txt"
        passages.write_text("\n\n".join(f"Passage {n}. The tide turns twice a day. " * 9 for n in range(9)))
        more = ("--input", passages)
    async with Watched(user_lm) as server:
        (await gen(*asks(server, tmp_path / "run", *more, n=4, sector=sector))).check(0)
        assert all(body["messages"][-1]["role"] == "assistant" for body in server.bodies)


async def test_it_plays_on_in_dialogues_that_are_there(tmp_path: Path) -> None:
    async with Watched(user_lm) as server:
        (await gen(*asks(server, tmp_path / "run", n=4))).check(0)
        mark = len(server.bodies)
        given = ("--input", tmp_path / "run", "--rounds", "1-1")
        server.act = lambda number, body: reply(f"And how is it in the year {number}?")
        (await gen(*asks(server, tmp_path / "on", *given, n=4, sector="continue"))).check(0)
        assert len(server.bodies) > mark
        assert all(body["messages"][-1]["role"] == "assistant" for body in server.since(mark))


async def test_the_plan_shows_what_it_would_be_asked(tmp_path: Path) -> None:
    async with Watched(user_lm) as server:
        said = await gen(*asks(server, tmp_path / "run", "--dry-run"))
        plain = await gen("plan", "--sector", "world-questions", "--endpoint", "builtin", "--n", 12, "--json")
        own = await gen("plan", *asks(server, tmp_path / "run", "--json")[1:])
        assert not server.bodies
    shown = said.check(0).out.partition("--- what the user is asked ---\n")[2].partition("\n---")[0]
    assert shown.startswith("[system]\nYou are a person who writes to an assistant: ")
    assert shown.strip().endswith("[assistant]\n(the answer)")
    assert "* * *" not in shown
    tokens = [json.loads(one.out)["by_role"]["user"]["prompt_tokens"] for one in (own, plain)]
    assert tokens[0] < tokens[1], "no card, no note"


async def test_builtin_was_taught_nothing(tmp_path: Path) -> None:
    words = ("run", "--sector", "world-questions", "--endpoint", "builtin", "--trained-user", "builtin", "--n", 2)
    (await gen(*words, "--out", tmp_path / "run")).check(2, "builtin is no model and was taught nothing")


async def test_a_sector_shows_the_brief_and_a_faulty_one_is_found_before_a_request(tmp_path: Path) -> None:
    shown = (await gen("sectors", "show", "creation")).check(0).out
    assert "=== trained user, system ===\nYou are a person who writes to an assistant: " in shown
    assert "trained user" not in (await gen("sectors", "show", "recall")).check(0).out
    overlay = tmp_path / "prompts" / "languages" / "en"
    overlay.mkdir(parents=True)
    (overlay / "brief.j2").write_text("You are {{ nobody }}.", encoding="utf-8")
    async with Watched(user_lm) as server:
        (await gen(*asks(server, tmp_path / "run", "--prompts", tmp_path / "prompts"))).check(2, "brief.j2", "nobody")
        assert not server.bodies


async def test_who_plays_is_part_of_what_is_asked(tmp_path: Path) -> None:
    async with Watched(user_lm) as server:
        (await gen(*asks(server, tmp_path / "run", n=2))).check(0)
        words = ("run", "--sector", "world-questions", "--endpoint", "builtin", "--n", 2, "--out", tmp_path / "run")
        (await gen(*words)).check(2, "user")
    assert '"languages/en/brief.j2"' in (tmp_path / "run" / "run.json").read_text()
