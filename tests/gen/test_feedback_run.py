"""The sector self-chat with feedback: every answer the best of several, whatever interrupts it."""

import asyncio
import json
import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from faulty import Answer, FaultyServer, reply, status
from material_files import killed_and_run_again, seeds
from runs import begin, end, gen, questions, rows, write_openers

from dialogue.chance import share
from dialogue.errors import UsageError
from dialogue.records import Dialogue, decode
from gen.api import plan, run
from gen.config import run_settings
from gen.main import main
from generator.client.chat import Sampling
from generator.progress import Progress
from generator.run import run as engine
from prompts.loader import HOME

N = 60
NAMES = ["helpful", "relevant", "accurate", "detailed"]
ANSWER = re.compile(r"^\[answer (\d+) \| (\w+)\]\n(.*?)\n\[end of answer \1 \| \2\]$", re.DOTALL | re.MULTILINE)
USERS = (
    "and who in the end pays for all of that where the council of an island has no money left for ferries and harbours",
    "since when do boats of this size rust so fast though painters come aboard each spring and again before the winter",
)
RANGE = re.compile(r"(\d+)-(\d+) words")
Body = dict[str, Any]


def last(body: Body) -> str:
    return str(body["messages"][-1]["content"])


def judges(body: Body) -> bool:
    return "[answer 1 | " in last(body)


def simulates(body: Body) -> bool:
    return "\n* * *\n" in last(body)


def worth(text: str, name: str) -> int:
    return 1 + int(100 * share(text, name))


def verdict(body: Body) -> str:
    """What a judge with a fixed mind says: the same of a text wherever it stands."""
    rows = [
        {"answer": int(number), "critique": f"Of {text[:12]}.", "ratings": {name: worth(text, name) for name in NAMES}}
        for number, _, text in ANSWER.findall(last(body))
    ]
    return json.dumps(rows)


def well(body: Body) -> Answer:
    """A function of the request and its seed alone."""
    if judges(body):
        return reply(verdict(body))
    if simulates(body):
        low, high = map(int, RANGE.findall(last(body))[-1])
        return reply(" ".join(USERS[len(body["messages"]) // 2 - 2].split()[: (low + high) // 2]))
    return reply(f"Salt water eats the hull, says source {body['seed'] % 9973}.")


def asked(place: Path, server: FaultyServer, n: int = 1, **options: str) -> Any:
    """Settings for own openers, so that every request belongs to a dialogue."""
    openers = place / "openers.txt"
    openers.write_text("".join(f"Why does ferry number {number} need repairs so often?\n" for number in range(n)))
    chosen = {"sector": "self-chat", "shares": "feedback", "n": str(n), "rounds": "3-3", "openers": str(openers)}
    where = {"out": str(place / "run"), "endpoint": server.base_url, "model": "m", "retry_wait_s": "0.01"}
    return run_settings({**chosen, **where, **options}, environ={})


def played(folder: Path) -> list[Dialogue]:
    return [decode(orjson.loads(line)) for line in (folder / "dialogues.jsonl").open("rb")]


def candidates(dialogue: Dialogue, place: int) -> list[dict[str, Any]]:
    return [dict(one) for one in dialogue.messages[place].candidates or [] if isinstance(one, dict)]


def copied(folder: Path, old: str, new: str) -> Path:
    """The user's own copy of the sector, with one thing changed."""
    home = folder / "mine" / "sectors" / "self-chat"
    home.mkdir(parents=True)
    shutil.copy(HOME / "sectors" / "self-chat" / "sector.toml", home)
    text = (home / "sector.toml").read_text()
    assert old in text
    (home / "sector.toml").write_text(text.replace(old, new))
    return folder / "mine"


async def test_every_answer_is_the_best_of_four_and_the_user_goes_on_from_it(tmp_path: Path) -> None:
    async with FaultyServer(lambda number, body: well(body)) as server:
        summary = await engine(asked(tmp_path, server), progress=Progress())
    assert (summary["status"], summary["dialogues"], len(server.bodies)) == (0, 1, 3 * 5 + 2)
    (dialogue,) = played(tmp_path / "run")
    samples = [body for body in server.bodies if not judges(body) and not simulates(body)]
    assert len({body["seed"] for body in samples}) == 12
    assert dialogue.seed.extra["candidates"] == 4
    for place in (1, 3, 5):
        found = candidates(dialogue, place)
        assert len(found) == 4
        for one in found:
            assert set(one) == {"content", "model", "score", "critique", "ratings"}
            assert one["ratings"] == {name: worth(one["content"], name) for name in NAMES}
            assert one["score"] == sum(one["ratings"].values()) / 4
        assert dialogue.messages[place].content == max(found, key=lambda one: one["score"])["content"]
    talks = [[message["content"] for message in body["messages"]] for body in samples]
    said = [message.content for message in dialogue.messages]
    assert talks == [said[:1]] * 4 + [said[:3]] * 4 + [said[:5]] * 4
    assert server.bodies[5]["messages"][-1]["content"].startswith(said[1] + "\n\n* * *\n")
    usage = {side: paid.requests for side, paid in dialogue.usage.items()}
    assert usage == {"user": 2 + 3, "assistant": 12}
    assert dialogue.usage["user"].completion_tokens == 5 * 5
    acts = dialogue.seed.extra["acts"]
    assert isinstance(acts, list)
    assert [act["number"] for act in acts if isinstance(act, dict) and "act" in act] == [2, 3]


async def test_a_judge_sees_the_talk_and_all_answers_in_the_order_in_which_they_are_kept(tmp_path: Path) -> None:
    async with FaultyServer(lambda number, body: well(body)) as server:
        await engine(asked(tmp_path, server, n=6, concurrency="1"), progress=Progress())
    verdicts = [body for body in server.bodies if judges(body)]
    assert all(body["temperature"] == 0 for body in verdicts)
    moved = 0
    for number, dialogue in enumerate(played(tmp_path / "run")):
        for turn, body in enumerate(verdicts[3 * number : 3 * number + 3]):
            shown = [text for _, _, text in ANSWER.findall(last(body))]
            assert shown == [one["content"] for one in candidates(dialogue, 2 * turn + 1)]
            for message in dialogue.messages[: 2 * turn + 1]:
                assert f"[{message.role} | " in last(body)
                assert f"\n{message.content}\n[end of {message.role} | " in last(body)
            samples = [one["messages"] for one in server.bodies].index(body["messages"])
            asked_for = [well(one).body for one in server.bodies[samples - 4 : samples]]
            moved += [json.loads(one)["choices"][0]["message"]["content"] for one in asked_for] != shown
    assert moved > 12, "shown as they came"


BROKEN: list[Callable[[list[Any]], Any]] = [
    lambda rows: "They are all fine.",
    lambda rows: json.dumps(rows[:3]),
    lambda rows: json.dumps([rows[1], rows[0], *rows[2:]]),
    lambda rows: json.dumps([{**rows[0], "ratings": {**rows[0]["ratings"], "helpful": 101}}, *rows[1:]]),
    lambda rows: json.dumps([{**rows[0], "ratings": {**rows[0]["ratings"], "helpful": 0}}, *rows[1:]]),
    lambda rows: json.dumps([{**rows[0], "ratings": {**rows[0]["ratings"], "helpful": 61.5}}, *rows[1:]]),
    lambda rows: json.dumps([{**rows[0], "ratings": {**rows[0]["ratings"], "helpful": True}}, *rows[1:]]),
]


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_judgement_that_cannot_be_read_is_asked_for_once_more_and_is_never_a_number(
    tmp_path: Path, broken: Callable[[list[Any]], Any]
) -> None:
    ready = False

    def behave(number: int, body: Body) -> Answer:
        return reply(broken(json.loads(verdict(body)))) if judges(body) and not ready else well(body)

    async with FaultyServer(behave) as server:
        first = await engine(asked(tmp_path, server), progress=Progress())
        assert (first["status"], first["failed_reasons"]) == (1, {"bad_reply": 1})
        assert first["tally"]["noted"] == {"ratings": 1}
        assert len(server.bodies) == 6
        failure = json.loads((tmp_path / "run" / "failures.jsonl").read_text())
        assert [message["role"] for message in failure["messages"]] == ["user", *["assistant"] * 4, *["user"] * 2]
        assert "ratings: " in failure["detail"]
        assert "Your last reply could not be used: " in last(server.bodies[5])
        assert server.bodies[5]["seed"] != server.bodies[4]["seed"]
        ready = True
        again = await engine(asked(tmp_path, server), retry_failed=True, progress=Progress())
    assert (again["status"], again["dialogues"], again["failed"]) == (0, 1, 0)
    assert len(server.bodies) == 6 + 1 + 2 * 6, "the four answers are not asked for again"
    (dialogue,) = played(tmp_path / "run")
    assert dialogue.usage["user"].requests == 2 + 3 + 2


async def test_one_broken_judgement_is_mended_by_the_second(tmp_path: Path) -> None:
    def behave(number: int, body: Body) -> Answer:
        return reply("All fine.") if number == 4 else well(body)

    async with FaultyServer(behave) as server:
        summary = await engine(asked(tmp_path, server), progress=Progress())
    assert (summary["status"], len(server.bodies)) == (0, 18)


def moody(body: Body) -> Answer:
    """As `well`, but a third of the answers is taken by a filter, and a judge's first word may be no JSON."""
    if judges(body) and body["temperature"] == 0 and body["seed"] % 3:
        return reply("They are all fine.")
    plain = not judges(body) and not simulates(body)
    return reply("", finish_reason="content_filter") if plain and body["seed"] % 3 == 0 else well(body)


async def test_a_run_stopped_at_any_request_goes_on_from_there_to_the_same_dialogue(tmp_path: Path) -> None:
    async with FaultyServer(lambda number, body: moody(body)) as server:
        (tmp_path / "whole").mkdir()
        await engine(asked(tmp_path / "whole", server), progress=Progress())
    (whole,), count = played(tmp_path / "whole" / "run"), len(server.bodies)
    assert any("could not be used" in last(body) for body in server.bodies)
    assert min(len(candidates(whole, place)) for place in (1, 3, 5)) < 4
    for place in range(count):
        folder = tmp_path / f"at-{place}"
        folder.mkdir()
        stopped_at = place

        def behave(number: int, body: Body, stopped_at: int = stopped_at) -> Answer:
            return status(401) if number == stopped_at else moody(body)

        async with FaultyServer(behave) as server:
            first = await engine(asked(folder, server), progress=Progress())
            assert (first["status"], first["open"]) == (3, 1)
            again = await engine(asked(folder, server), progress=Progress())
        (dialogue,) = played(folder / "run")
        assert (again["status"], len(server.bodies)) == (0, count + 1)
        assert dialogue.messages == whole.messages
        assert dialogue.usage == whole.usage
        assert again["tally"] == json.loads((tmp_path / "whole" / "run" / "summary.json").read_text())["tally"]


def test_a_killed_run_ends_as_one_that_never_was(tmp_path: Path) -> None:
    file = seeds(tmp_path / "s.txt", 24)
    words = ("--sector", "self-chat", "--n", "24", "--shares", "feedback", "--input", str(file), "--concurrency", "8")
    killed = killed_and_run_again(tmp_path, "journal.jsonl", 60, *words)
    run(sector="self-chat", n=24, shares="feedback", input=file, endpoint="builtin", out=tmp_path / "whole")
    first, second = ({one.id: one.messages for one in played(folder)} for folder in (killed, tmp_path / "whole"))
    assert first == second
    assert any(len(messages) > 4 for messages in first.values())
    events = [
        [event for event in map(json.loads, (folder / "journal.jsonl").open()) if event["k"] == "turn"]
        for folder in (killed, tmp_path / "whole")
    ]
    places = Counter((event["i"], event["n"], event["side"], json.dumps(event["plan"])) for event in events[0])
    assert max(places.values()) == 1
    assert len(events[0]) == len(events[1])


async def test_an_interrupt_keeps_every_reply_on_the_wire_and_no_request_is_sent_again(tmp_path: Path) -> None:
    openers = write_openers(tmp_path / "openers.txt", questions(12))
    words = ("run", "--sector", "self-chat", "--shares", "feedback", "--openers", openers, "--n", 6, "--rounds", "3-3")
    async with FaultyServer(lambda number, body: replace(well(body), delay_s=0.1)) as server:
        where = ("--endpoint", server.base_url, "--model", "m", "--out", tmp_path / "run", "--concurrency", 6)
        child = await begin(*words, *where)
        while server.requests < 40:
            await asyncio.sleep(0.02)
        child.send_signal(signal.SIGINT)
        (await end(child)).check(130, "interrupted: waiting for")
        asked_so_far = server.requests
        turns = [event for event in rows(tmp_path / "run" / "journal.jsonl") if event["k"] == "turn"]
        assert len(turns) == asked_so_far, "every reply that was under way is kept"
        (await gen(*words, *where)).check(0)
    assert max(Counter(json.dumps(body) for body in server.bodies).values()) == 1
    assert len(played(tmp_path / "run")) == 6


async def test_answers_without_words_cut_ones_and_equal_ones_are_passed_over(tmp_path: Path) -> None:
    prompts = copied(tmp_path, "candidates = 4", "candidates = 5")

    def behave(number: int, body: Body) -> Answer:
        if judges(body) or simulates(body):
            return well(body)
        made = [
            reply("", finish_reason="content_filter"),
            reply("Because of the", finish_reason="length"),
            reply("Salt water eats the hull."),
            reply("It rusts."),
            reply("It rusts."),
        ]
        return made[number]

    async with FaultyServer(behave) as server:
        settings = asked(tmp_path, server, rounds="1-1", prompts=str(prompts))
        summary = await engine(settings, progress=Progress())
    assert (summary["status"], len(server.bodies)) == (0, 6)
    (dialogue,) = played(tmp_path / "run")
    assert {one["content"] for one in candidates(dialogue, 1)[:2]} == {"Salt water eats the hull.", "It rusts."}
    assert candidates(dialogue, 1)[2:] == [
        {"content": "Because of the", "model": "faulty-1", "finish_reason": "length"}
    ]
    assert dialogue.messages[1].content != "Because of the"


async def test_answers_that_are_all_alike_are_not_judged_and_said_beforehand_at_temperature_0(tmp_path: Path) -> None:
    async with FaultyServer(lambda number, body: reply("It rusts.")) as server:
        settings = asked(tmp_path, server, rounds="1-1")
        role = settings.roles["assistant"].model_copy(update={"sampling": Sampling(temperature=0)})
        settings = settings.model_copy(update={"roles": {**settings.roles, "assistant": role}})
        summary = await engine(settings, progress=Progress())
    assert (summary["status"], len(server.bodies)) == (0, 4)
    (dialogue,) = played(tmp_path / "run")
    assert dialogue.messages[1].content == "It rusts."
    assert candidates(dialogue, 1) == [{"content": "It rusts.", "model": "faulty-1"}]
    note = json.loads((tmp_path / "run" / "run.json").read_text())["facts"]["note"]
    assert "temperature 0: the 4 answers asked for at each turn will hardly differ" in note


async def test_the_number_of_answers_is_changed_in_a_copy_of_the_sector(tmp_path: Path) -> None:
    prompts = copied(tmp_path, "candidates = 4", "candidates = 2")
    async with FaultyServer(lambda number, body: well(body)) as server:
        settings = asked(tmp_path, server, rounds="1-1", prompts=str(prompts))
        await engine(settings, progress=Progress())
    (dialogue,) = played(tmp_path / "run")
    assert (len(server.bodies), len(candidates(dialogue, 1)), dialogue.seed.extra["candidates"]) == (3, 2, 2)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("candidates = 4", "candidates = 1", "candidates: Input should be greater than or equal to 2"),
        ("whole = true", "whole = true\ncandidates = 3", "level transcript: candidates do not go with whole"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    prompts, file = copied(tmp_path, old, new), seeds(tmp_path / "s.txt", 3)
    with pytest.raises(UsageError, match=complaint):
        run(sector="self-chat", n=3, input=file, prompts=prompts, endpoint="builtin", out=tmp_path / "run")


async def test_own_openers_are_judged_where_all_shares_are_or_their_kind_says_so(tmp_path: Path) -> None:
    async with FaultyServer(lambda number, body: well(body)) as server:
        await engine(asked(tmp_path, server, rounds="1-1"), progress=Progress())
        assert len(server.bodies) == 5
        (tmp_path / "two").mkdir()
        settings = asked(tmp_path / "two", server, rounds="1-1", shares="both")
        await engine(settings, progress=Progress())
        assert len(server.bodies) == 6
        (tmp_path / "three").mkdir()
        settings = asked(tmp_path / "three", server, rounds="1-1", shares="both")
        rows = [{"opener": "Why does ferry 3 need repairs?", "kind": kind} for kind in ("turns", "feedback")]
        rows[1]["opener"] += " Still?"
        Path(settings.openers).write_text("".join(json.dumps(row) + "\n" for row in rows))
        await engine(settings.model_copy(update={"n": 2, "concurrency": 1}), progress=Progress())
    assert len(server.bodies) == 6 + 1 + 5
    assert [len(candidates(one, 1)) for one in played(tmp_path / "three" / "run")] == [0, 4]


async def test_a_system_that_is_measured_answers_once(tmp_path: Path) -> None:
    async with FaultyServer(lambda number, body: well(body)) as server:
        settings = asked(tmp_path, server).model_copy(update={"guided": False})
        await engine(settings, progress=Progress())
    assert len(server.bodies) == 3 + 2


def test_on_builtin_the_best_is_often_another_than_the_first_and_seldom_decided_by_its_place(tmp_path: Path) -> None:
    file = seeds(tmp_path / "seeds.txt", N)
    options: dict[str, Any] = {"input": file, "language": "en:2,zh:1,zh-TW:1", "endpoint": "builtin"}
    summary = run(sector="self-chat", shares="feedback", n=N, out=tmp_path / "run", **options)
    found = played(tmp_path / "run")
    assert summary["dialogues"] == len(found) >= 0.95 * N
    places: Counter[int] = Counter()
    for dialogue in found:
        assert dialogue.seed.kind == "feedback"
        for place in range(1, len(dialogue.messages), 2):
            rows, said = candidates(dialogue, place), dialogue.messages[place].content
            assert 3 <= len(rows) <= 4  # the seeds of requests make them differ
            assert all(list(one["ratings"]) == NAMES and one["critique"] for one in rows)
            assert said == max(rows, key=lambda one: one["score"])["content"]
            places[[one["content"] for one in rows].index(said)] += 1
    turns = places.total()
    assert all(0.15 * turns < places[place] < 0.35 * turns for place in range(4)), places
    events = [json.loads(line) for line in (tmp_path / "run" / "journal.jsonl").open()]
    firsts = {
        (one["i"], one["n"]): one["message"]["content"] for one in events if (one.get("plan") or {}).get("sample") == 0
    }
    index = {dialogue.id: dialogue for dialogue in found}
    openers = [json.loads(line)["id"] for line in (tmp_path / "run" / "openers.jsonl").open()]
    kept = [firsts[i, n] == index[openers[i]].messages[n].content for i, n in firsts if openers[i] in index]
    assert 0.15 * len(kept) < sum(kept) < 0.35 * len(kept)


def test_the_plan_counts_answers_and_judgements(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = seeds(tmp_path / "seeds.txt", 40)
    options: dict[str, Any] = {"input": file, "endpoint": "builtin", "rounds": "3-3", "shares": "feedback"}
    found = plan(sector="self-chat", n=40, **options)
    summary = run(sector="self-chat", n=40, out=tmp_path / "run", **options)
    roles = summary["meter"]["roles"]
    assert found.by_role["assistant"]["requests"] == 40 * 3 * 4
    assert found.by_role["user"]["requests"] == 40 * (3 + 2)
    for role in ("user", "assistant"):
        assert (
            0.85 * found.by_role[role]["requests"] <= roles[role]["requests"] <= 1.1 * found.by_role[role]["requests"]
        )
    assert "a whole number from 1 to 100" in found.prompts["judge"]
    assert set(found.prompts) == {"opener", "user", "assistant", "judge"}
    turns = plan(sector="self-chat", n=40, **{**options, "shares": "turns"})
    assert "judge" not in turns.prompts
    assert turns.by_role["assistant"]["requests"] == 40 * 3
    for language in ("en", "zh", "zh-TW", "fr"):
        assert main(["sectors", "show", "self-chat", "--language", language]) == 0
        shown = capsys.readouterr().out
        assert "user's endpoint, judging the answers to a message" in shown
        assert "[answer 4 | " in shown


def test_pairs_of_every_turn_and_completions_of_one_can_be_exported(tmp_path: Path) -> None:
    file = seeds(tmp_path / "seeds.txt", 5)
    options: dict[str, Any] = {"input": file, "endpoint": "builtin", "shares": "feedback"}
    for rounds in ("1-1", "3-3"):
        run(sector="self-chat", n=5, rounds=rounds, out=tmp_path / rounds, **options)
    assert main(["convert", str(tmp_path / "3-3"), str(tmp_path / "pairs.jsonl"), "--to", "chosen_rejected"]) == 0
    pairs = [json.loads(line) for line in (tmp_path / "pairs.jsonl").open()]
    found = {one.id: one for one in played(tmp_path / "3-3")}
    assert len(pairs) == sum(len(one.messages) // 2 for one in found.values()) > 10
    for pair in pairs:
        dialogue = found["-".join(pair["id"].split("-")[:2])]
        place = len(pair["prompt"])
        rows = candidates(dialogue, place)
        assert [one["content"] for one in pair["prompt"]] == [one.content for one in dialogue.messages[:place]]
        assert pair["candidates"] == rows
        assert pair["chosen"][0]["content"] == max(rows, key=lambda one: one["score"])["content"]
        assert pair["rejected"][0]["content"] == min(rows, key=lambda one: one["score"])["content"]
    assert main(["convert", str(tmp_path / "1-1"), str(tmp_path / "uf.jsonl"), "--to", "ultrafeedback"]) == 0
    for line in (tmp_path / "uf.jsonl").open():
        completions = json.loads(line)["completions"]
        assert len(completions) >= 3
        assert all({"response", "overall_score", "critique", "ratings", "model"} <= set(one) for one in completions)


def test_levels_of_other_sectors_may_have_their_answers_judged(tmp_path: Path) -> None:
    home = tmp_path / "mine" / "sectors" / "world-questions"
    home.mkdir(parents=True)
    text = (HOME / "sectors" / "world-questions" / "sector.toml").read_text()
    (home / "sector.toml").write_text(text.replace('name = "general"\n', 'name = "general"\ncandidates = 3\n'))
    asked_for: dict[str, Any] = {"n": 20, "prompts": tmp_path / "mine", "endpoint": "builtin", "out": tmp_path / "run"}
    with pytest.raises(UsageError, match=r"no file sectors/world-questions/aspects\.toml"):
        run(sector="world-questions", **asked_for)
    for name in ("aspects.toml", "rating.j2"):
        shutil.copy(HOME / "sectors" / "self-chat" / name, home)
    run(sector="world-questions", **asked_for)
    found = Counter((one.seed.kind == "general", len(candidates(one, 1))) for one in played(tmp_path / "run"))
    assert set(found) == {(True, 3), (False, 0)}
