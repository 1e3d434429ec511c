"""The sector self-chat, both ways: written whole by one request, and turn by turn."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from faulty import Answer, FaultyServer, reply, status
from material_files import killed_and_run_again, seeds

from dialogue.errors import UsageError
from dialogue.records import Dialogue, decode
from gen.api import plan, run
from gen.config import run_settings
from gen.main import main
from generator.progress import Progress
from generator.run import run as engine

N = 150
GOOD = "\n".join(
    f"[Human] {asked}\n[AI] {said}"
    for asked, said in (
        (
            "Why does the old ferry need repairs so often?",
            "Salt water eats its hull, so plates are changed each spring.",
        ),
        ("and who pays for that in the end", "The island council pays two thirds, the passengers the rest."),
        ("Two thirds seems a lot to me.", "It is the share that the contract of the line sets out."),
    )
)


def played(folder: Path) -> list[Dialogue]:
    return [decode(orjson.loads(line)) for line in (folder / "dialogues.jsonl").open("rb")]


@pytest.fixture(scope="module", params=["transcript", "turns", "both"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Dialogue], Any]:
    place = tmp_path_factory.mktemp(request.param)
    options = {"input": seeds(place / "seeds.txt", N), "language": "en:4,zh:1,zh-TW:1", "endpoint": "builtin"}
    summary = run(sector="self-chat", n=N, shares=request.param, out=place / "run", **options)
    return request.param, played(place / "run"), summary


def test_roles_alternate_rounds_are_in_range_and_the_last_word_is_an_answer(
    made: tuple[str, list[Dialogue], Any],
) -> None:
    _, dialogues, summary = made
    assert summary["dialogues"] == len(dialogues) >= 0.97 * N
    for dialogue in dialogues:
        roles = [message.role for message in dialogue.messages]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert 2 <= len(roles) // 2 <= 6
        assert all(message.content.strip() for message in dialogue.messages)
        assert not any("[Human]" in message.content or "[AI]" in message.content for message in dialogue.messages)


def test_the_seed_and_what_was_drawn_stand_in_the_record(made: tuple[str, list[Dialogue], Any]) -> None:
    way, dialogues, _ = made
    kinds = Counter(dialogue.seed.kind for dialogue in dialogues)
    assert set(kinds) == ({"transcript", "turns"} if way == "both" else {way})
    if way == "both":
        assert abs(kinds["transcript"] - kinds["turns"]) < 0.1 * N
    for dialogue in dialogues:
        assert str(dialogue.seed.topic).endswith("need repairs?")
        assert len(str(dialogue.seed.material)) == 16
        acts = dialogue.seed.extra["acts"]
        assert isinstance(acts, list)
        assert len(acts) == len(dialogue.messages) // 2 - 1
        assert dialogue.seed.persona
    assert len({(one.seed.language, one.seed.material, one.seed.kind) for one in dialogues}) == len(dialogues)


def test_a_transcript_takes_one_request_and_no_simulator(made: tuple[str, list[Dialogue], Any]) -> None:
    for dialogue in made[1]:
        asked = {side: usage.requests for side, usage in dialogue.usage.items()}
        if dialogue.seed.kind == "transcript":
            assert asked["user"] == 0
            assert asked["assistant"] in (1, 2)
        else:
            assert asked["assistant"] >= len(dialogue.messages) // 2


def stub(tmp_path: Path, server: FaultyServer) -> Any:
    file = seeds(tmp_path / "seeds.txt", 1)
    options = {"sector": "self-chat", "n": "1", "rounds": "3-3", "input": str(file), "out": str(tmp_path / "run")}
    return run_settings({**options, "endpoint": server.base_url, "model": "m"}, environ={})


async def test_a_broken_transcript_is_a_failure_with_its_text_and_may_be_tried_again(tmp_path: Path) -> None:
    text = GOOD.replace("[AI]", "[Bot]", 1)

    def behave(number: int, body: dict[str, Any]) -> Answer:
        return reply(text)

    async with FaultyServer(behave) as server:
        first = await engine(stub(tmp_path, server), progress=Progress())
        assert (first["status"], first["failed_reasons"]) == (1, {"bad_reply": 1})
        failure = json.loads((tmp_path / "run" / "failures.jsonl").read_text())
        assert [message["content"] for message in failure["messages"]] == [text, text]
        assert "message 2 is [Human]'s, expected [AI]" in failure["detail"]
        assert "could not be used (message 2 is [Human]'s" in server.bodies[1]["messages"][-1]["content"]
        assert len({body["seed"] for body in server.bodies}) == 2
        text = GOOD
        again = await engine(stub(tmp_path, server), retry_failed=True, progress=Progress())
    assert (again["status"], again["dialogues"], again["failed"]) == (0, 1, 0)
    assert len(server.bodies) == 3
    dialogue = played(tmp_path / "run")[0]
    assert dialogue.messages[-1].content == "It is the share that the contract of the line sets out."
    assert dialogue.usage["assistant"].requests == 3
    assert dialogue.user_model == dialogue.assistant_model == "m"


async def test_a_text_that_was_paid_for_before_a_stop_is_read_again_and_not_asked_for_again(tmp_path: Path) -> None:
    answers = [reply("no transcript at all"), status(401), reply(GOOD)]
    async with FaultyServer(lambda number, body: answers[number]) as server:
        first = await engine(stub(tmp_path, server), progress=Progress())
        assert (first["status"], first["open"]) == (3, 1)
        again = await engine(stub(tmp_path, server), progress=Progress())
    assert (again["status"], again["dialogues"], len(server.bodies)) == (0, 1, 3)
    assert server.bodies[1]["messages"] == server.bodies[2]["messages"]
    assert "could not be used (no line begins with [Human] or [AI])" in server.bodies[2]["messages"][0]["content"]
    assert played(tmp_path / "run")[0].usage["assistant"].requests == 2
    assert again["tally"]["turns"] == 2


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        (GOOD.rpartition("\n[Human]")[0], "bad_reply", "rounds: 2 rounds, expected 3 to 3"),
        (GOOD.replace("Two thirds seems a lot to me.", "Thank you so much!"), "politeness", "message 5"),
        (GOOD.replace("and who pays", "Certainly! Here is who pays"), "role_exchange", "message 3"),
        (GOOD.replace("and who pays for that in the end", "How can I help you today?"), "role_exchange", "message 3"),
    ],
)
async def test_a_conversation_that_shows_a_fault_is_asked_for_once_more_and_given_up(
    tmp_path: Path, text: str, reason: str, detail: str
) -> None:
    async with FaultyServer(lambda number, body: reply(text)) as server:
        summary = await engine(stub(tmp_path, server), progress=Progress())
    assert summary["failed_reasons"] == {reason: 1}
    assert len(server.bodies) == 2
    assert detail in json.loads((tmp_path / "run" / "failures.jsonl").read_text())["detail"]


async def test_a_broken_text_is_kept_where_the_second_request_is_refused(tmp_path: Path) -> None:
    answers = [reply("no transcript at all"), status(400)]
    async with FaultyServer(lambda number, body: answers[min(number, 1)]) as server:
        await engine(stub(tmp_path, server), progress=Progress())
    failure = json.loads((tmp_path / "run" / "failures.jsonl").read_text())
    assert failure["reason"] == "bad_request"
    assert [message["content"] for message in failure["messages"]] == ["no transcript at all"]


async def test_a_transcript_cut_by_the_token_limit_is_not_taken(tmp_path: Path) -> None:
    async with FaultyServer(lambda number, body: reply(GOOD, finish_reason="length")) as server:
        summary = await engine(stub(tmp_path, server), progress=Progress())
    assert summary["failed_reasons"] == {"bad_reply": 1}


@pytest.mark.parametrize("way", ["transcript", "turns"])
def test_a_killed_run_ends_as_one_that_never_was(tmp_path: Path, way: str) -> None:
    file = seeds(tmp_path / "s.txt", 60)
    words = ("--sector", "self-chat", "--n", "60", "--shares", way, "--input", str(file), "--concurrency", "8")
    killed = killed_and_run_again(tmp_path, "journal.jsonl", 25, *words)
    run(sector="self-chat", n=60, shares=way, input=file, endpoint="builtin", out=tmp_path / "whole")
    assert (killed / "openers.jsonl").read_bytes() == (tmp_path / "whole" / "openers.jsonl").read_bytes()
    first, second = ({one.id: one.messages[0] for one in played(folder)} for folder in (killed, tmp_path / "whole"))
    assert first == second
    events = [json.loads(line) for line in (killed / "journal.jsonl").open()]
    turns = Counter((event["i"], event["n"], event["message"]["content"]) for event in events if event["k"] == "turn")
    assert max(turns.values()) == 1


def test_more_dialogues_than_seeds_another_file_and_a_system_prompt_are_refused(tmp_path: Path) -> None:
    asked = {"sector": "self-chat", "endpoint": "builtin", "out": tmp_path / "run"}
    file = seeds(tmp_path / "s.txt", 5)
    with pytest.raises(UsageError, match="--n 6: the tree of self-chat gives at most 5 openers; a longer --input"):
        run(n=6, input=file, **asked)
    (tmp_path / "system.txt").write_text("Be brief.\n")
    with pytest.raises(UsageError, match=r"--system .*: with --shares transcript one request writes a whole dialogue"):
        run(n=5, input=file, system=tmp_path / "system.txt", **asked)
    run(n=5, input=file, **asked)
    with pytest.raises(UsageError, match=r"input was .* choose another --out"):
        run(n=5, input=seeds(tmp_path / "t.txt", 6), **asked)
    with pytest.raises(UsageError, match=r"shares was \"transcript\", is now \"turns\""):
        run(n=5, input=file, shares="turns", **asked)


def test_input_where_a_sector_takes_none_or_needs_one_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["run", "--sector", "self-chat", "--n", "3", "--endpoint", "builtin", "--out", str(tmp_path / "x")]) == 2
    )
    assert "--input is missing: self-chat works on seeds of yours" in capsys.readouterr().err


def test_the_plan_counts_one_request_for_a_transcript(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = seeds(tmp_path / "s.txt", 40)
    found = plan(sector="self-chat", n=40, input=file, endpoint="builtin")
    assert found.by_role["assistant"]["requests"] == found.requests == 40
    assert "[Human]" in found.prompts["transcript"]
    turns = plan(sector="self-chat", n=40, input=file, shares="turns", endpoint="builtin")
    assert turns.by_role["opener"]["requests"] >= 40
    assert turns.completion_tokens > 2 * found.completion_tokens
    for language in ("en", "zh", "zh-TW", "fr"):
        assert main(["sectors", "show", "self-chat", "--language", language]) == 0
        assert "the whole conversation in one request" in capsys.readouterr().out
