"""The sectors that take up dialogues: carried on, answered anew, compared."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from faulty import Answer, FaultyServer, reply
from material_files import killed_and_run_again

from dialogue.errors import UsageError
from dialogue.formats.chosen_rejected import to_line as pair_line
from dialogue.formats.ultrafeedback import to_line as feedback_line
from dialogue.reading import read
from dialogue.records import Dialogue, decode
from gen.api import plan, run
from gen.config import run_settings
from gen.main import main
from generator.progress import Progress
from generator.run import run as engine

N = 80
TAKING = ("continue", "reanswer", "preference")
ASPECTS = {"follows", "truthful", "honest", "helpful"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "run"
    options: dict[str, Any] = {"language": "en:2,zh:1,zh-TW:1", "rounds": "1-4"}
    run(sector="world-questions", n=N + 5, endpoint="builtin", out=folder, **options)
    return folder


def made(folder: Path, sector: str, source: Path, **options: Any) -> list[Dialogue]:
    summary = run(sector=sector, input=source, endpoint="builtin", out=folder, **{"n": N, **options})
    found = [decode(orjson.loads(line)) for line in (folder / "dialogues.jsonl").open("rb")]
    assert summary["dialogues"] == len(found) >= 0.9 * summary["n"]
    return found


def origin(dialogue: Dialogue, source: Path) -> Dialogue:
    """The dialogue that it was made of."""
    marked = dialogue.seed.extra["source"]
    assert isinstance(marked, dict)
    return next(one for one in read(source) if one.id == marked["id"])


def test_what_stood_is_carried_on_word_for_word_and_marked(tmp_path: Path, source: Path) -> None:
    for dialogue in made(tmp_path / "run", "continue", source):
        before = origin(dialogue, source)
        stood = len(before.messages)
        assert dialogue.messages[:stood] == before.messages
        assert dialogue.seed.extra["source"] == {
            "id": before.id,
            "sector": "world-questions",
            "messages": stood,
            "assistant_model": "builtin",
        }
        roles = [message.role for message in dialogue.messages]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        further = (len(roles) - stood) // 2
        assert 1 <= further <= 4
        acts = dialogue.seed.extra["acts"]
        assert isinstance(acts, list)
        assert len(acts) == further
        assert (dialogue.seed.language, dialogue.seed.topic) == (before.seed.language, before.seed.topic)
        assert dialogue.usage["assistant"].requests >= further


def test_every_answer_is_new_and_later_messages_are_asked_again(tmp_path: Path, source: Path) -> None:
    replayed = asked = 0
    for dialogue in made(tmp_path / "run", "reanswer", source):
        before = origin(dialogue, source)
        assert dialogue.messages[0] == before.messages[0]
        old = {message.content for message in before.messages if message.role == "assistant"}
        assert not old & {message.content for message in dialogue.messages if message.role == "assistant"}
        assert len(dialogue.messages) <= len(before.messages)
        acts = dialogue.seed.extra["acts"]
        assert isinstance(acts, list)
        for place, act in enumerate(acts, 1):
            assert isinstance(act, dict)
            assert act["act"] == "resume"
            assert act["detail"] == " ".join(before.messages[2 * place].content.split())
            asked += 1
            replayed += dialogue.messages[2 * place].content == before.messages[2 * place].content
    assert asked > N / 2
    assert replayed < 0.05 * asked


def test_candidates_are_rated_and_the_best_is_said(tmp_path: Path, source: Path) -> None:
    first = 0
    for dialogue in made(tmp_path / "run", "preference", source):
        before = origin(dialogue, source)
        *stood, last = dialogue.messages
        assert tuple(stood) == before.messages[:-1]
        candidates: list[Any] = last.candidates or []
        assert before.messages[-1].content in {one["content"] for one in candidates}
        assert [one.get("principle") for one in candidates].count(None) == 1
        assert {one["principle"] for one in candidates if "principle" in one} == set(
            dialogue.seed.extra["principles"]  # type: ignore[arg-type]
        )
        for one in candidates:
            assert set(one) - {"principle"} == {"content", "score", "model", "critique", "ratings"}
            assert set(one["ratings"]) == ASPECTS
            assert one["score"] == sum(one["ratings"].values()) / 4
            assert one["critique"]
        assert last.content == max(candidates, key=lambda one: one["score"])["content"]
        first += "principle" not in candidates[0]
        assert dialogue.usage["user"].requests == 1
        assert dialogue.usage["assistant"].requests == 4
    assert first < 0.4 * N  # shown in an order of chance


def test_preferences_can_be_exported(tmp_path: Path, source: Path) -> None:
    found = made(tmp_path / "run", "preference", source, n=5)
    pair = json.loads(pair_line(found[0]))
    assert pair["chosen"][0]["content"] == found[0].messages[-1].content != pair["rejected"][0]["content"]
    file = given(tmp_path / "in.jsonl", talk("Why do ferries need repairs so often?", "Salt water eats them."))
    (single,) = made(tmp_path / "single", "preference", file, n=1)
    completions = json.loads(feedback_line(single))["completions"]
    assert len(completions) == 5
    assert all({"response", "overall_score", "critique", "ratings"} <= set(one) for one in completions)


def test_answers_of_an_earlier_comparison_are_compared_again(tmp_path: Path, source: Path) -> None:
    made(tmp_path / "first", "preference", source, n=4)
    for dialogue in made(tmp_path / "second", "preference", tmp_path / "first", n=4, seed=9):
        assert len(dialogue.messages[-1].candidates or []) == 9


def test_a_candidate_that_was_cut_or_refused_is_not_compared_again(tmp_path: Path) -> None:
    rows = [{"content": "Salt water eats them."}, {"content": "Because of", "finish_reason": "length"}]
    rows.append({"content": "I cannot help with ferries.", "finish_reason": "refusal"})
    row = talk("Why do ferries need repairs so often?", "Salt water eats them.")
    row["messages"][1]["candidates"] = rows
    (found,) = made(tmp_path / "run", "preference", given(tmp_path / "in.jsonl", row), n=1)
    candidates: list[Any] = found.messages[-1].candidates or []
    assert [one["content"] for one in candidates if "principle" not in one] == ["Salt water eats them."]
    assert len(candidates) == 5


@pytest.mark.parametrize("sector", TAKING)
def test_a_longer_run_begins_with_the_same_dialogues(tmp_path: Path, source: Path, sector: str) -> None:
    short = {one.id: one.messages for one in made(tmp_path / "short", sector, source, n=20)}
    long = {one.id: one.messages for one in made(tmp_path / "long", sector, source, n=40, concurrency=3)}
    assert short == {id: messages for id, messages in long.items() if id in short}


@pytest.mark.parametrize("sector", TAKING)
def test_a_killed_run_asks_for_nothing_twice(tmp_path: Path, source: Path, sector: str) -> None:
    words = ("--sector", sector, "--n", "40", "--input", str(source), "--concurrency", "8")
    killed = killed_and_run_again(tmp_path, "journal.jsonl", 40, *words)
    made(tmp_path / "whole", sector, source, n=40)
    first, second = (
        {one["id"]: one["messages"] for one in map(orjson.loads, (folder / "dialogues.jsonl").open("rb"))}
        for folder in (killed, tmp_path / "whole")
    )
    assert first == second
    events = [json.loads(line) for line in (killed / "journal.jsonl").open()]
    turns = Counter((one["i"], one["message"]["content"]) for one in events if one["k"] == "turn")
    assert max(turns.values()) == 1


def given(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def talk(*said: str, **more: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[i % 2], "content": text} for i, text in enumerate(said)], **more}


def test_what_cannot_be_taken_up_is_passed_over_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = talk("Why is the sky blue today?", "Because", stop="max_tokens")
    greeting = {"messages": [{"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Why?"}]}
    good = [talk(f"What is a number {n} for?", f"For counting to {n}.") for n in range(3)]
    file = given(tmp_path / "in.jsonl", cut, *good, greeting, good[0])
    assert len(made(tmp_path / "run", "continue", file, n=3)) == 3
    told = "3 dialogues are passed over (1: the last answer was cut or refused; 1: the two do not speak in turn"
    assert told in capsys.readouterr().err or told in json.loads((tmp_path / "run" / "run.json").read_text())["note"]
    with pytest.raises(UsageError, match=r"3 dialogues to take up, but --n is 4 \(passed over 1: the last answer"):
        run(sector="continue", n=4, input=file, endpoint="builtin", out=tmp_path / "other")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "0 dialogues to take up, but --n is 2"),
        ('{"messages": [{"role": "user", "content": "Hi the', r"in.jsonl:1: not JSON"),
        ('{"apples": 3}\n', r"in.jsonl:1: no dialogue of any known format"),
        (json.dumps(talk("Why so?", "So.")) + '\n{"messages": 3}\n', r"in.jsonl:2: "),
    ],
)
def test_an_input_of_no_use_is_one_line_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "in.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=complaint) as caught:
        run(sector="reanswer", n=2, input=tmp_path / "in.jsonl", endpoint="builtin", out=tmp_path / "run")
    assert str(caught.value).startswith("--input ")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_what_does_not_go_with_dialogues_is_refused(tmp_path: Path, source: Path) -> None:
    asked: dict[str, Any] = {"n": 3, "endpoint": "builtin", "out": tmp_path / "run"}
    with pytest.raises(UsageError, match="--input is missing: continue takes up dialogues"):
        run(sector="continue", **asked)
    with pytest.raises(UsageError, match="no such file"):
        run(sector="continue", input=tmp_path / "nothing.jsonl", **asked)
    (tmp_path / "o.txt").write_text("Why is that so?\n")
    with pytest.raises(UsageError, match=r"--openers .* give them by --input"):
        run(sector="reanswer", openers=tmp_path / "o.txt", **asked)
    with pytest.raises(UsageError, match=r"--system .* leaves what was said as it is"):
        run(sector="continue", input=source, system=tmp_path / "o.txt", **asked)
    with pytest.raises(UsageError, match="--rounds: preference adds no rounds"):
        run(sector="preference", input=source, rounds="2-3", **asked)
    with pytest.raises(UsageError, match="--shares paper: continue takes up dialogues"):
        run(sector="continue", input=source, shares="paper", **asked)
    run(sector="continue", input=source, **asked)
    with pytest.raises(UsageError, match=r"input was .* choose another --out"):
        run(sector="continue", input=given(tmp_path / "in.jsonl", *[talk(f"Why {n}?", "So.") for n in "abc"]), **asked)


def test_a_dialogue_that_ends_on_the_user_is_answered_and_its_language_is_told_by_its_words(tmp_path: Path) -> None:
    file = given(
        tmp_path / "in.jsonl",
        talk("为什么天空在白天看起来是蓝色的？", "因为散射。", "那傍晚为什么又变成红色的呢？"),
        talk("Why does the sky look blue by day?", "It scatters.", "And why is it red in the evening then?"),
    )
    found = made(tmp_path / "run", "continue", file, n=2)
    assert {one.seed.language for one in found} == {"zh", "en"}
    assert all(one.messages[2].role == "user" and one.messages[3].role == "assistant" for one in found)


def stub(folder: Path, sector: str, file: Path, server: FaultyServer) -> Any:
    options = {"sector": sector, "n": "1", "input": str(file), "out": str(folder / "run")}
    return run_settings({**options, "endpoint": server.base_url, "model": "m"}, environ={})


RATED = json.dumps(
    [{"answer": n, "critique": "Fair.", "ratings": dict.fromkeys(sorted(ASPECTS), n % 5 + 1)} for n in range(1, 6)]
)


async def test_ratings_that_cannot_be_read_are_asked_for_once_more(tmp_path: Path) -> None:
    file = given(tmp_path / "in.jsonl", talk("Why do ferries need repairs?", "Salt eats them."))

    def behave(number: int, body: dict[str, Any]) -> Answer:
        if number < 4:
            return reply(f"Answer {number}: because salt water eats the hull.")
        return reply(RATED.replace("1}", "6}") if number == 4 else f"```json\n{RATED}\n```")

    async with FaultyServer(behave) as server:
        summary = await engine(stub(tmp_path, "preference", file, server), progress=Progress())
    assert (summary["status"], summary["dialogues"]) == (0, 1)
    assert "could not be used: answer 5: " in server.bodies[5]["messages"][-1]["content"]
    systems = [body["messages"][0]["content"] for body in server.bodies[:4]]
    assert len(set(systems)) == 4
    assert "[answer 5 | " in server.bodies[4]["messages"][0]["content"]


async def test_a_rater_that_never_rates_fails_the_dialogue_with_what_was_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = given(tmp_path / "in.jsonl", talk("Why do ferries need repairs?", "Salt eats them."))
    ready = False

    def behave(number: int, body: dict[str, Any]) -> Answer:
        rates = "[answer 1 | " in body["messages"][-1]["content"]
        return reply((RATED if ready else "They are all fine.") if rates else f"Answer {number}.")

    async with FaultyServer(behave) as server:
        first = await engine(stub(tmp_path, "preference", file, server), progress=Progress())
        assert first["failed_reasons"] == {"bad_reply": 1}
        assert len(server.bodies) == 6
        failure = json.loads((tmp_path / "run" / "failures.jsonl").read_text())
        assert [message["content"] for message in failure["messages"]][1] == "Answer 0."
        names = [message.get("name") for message in failure["messages"]]
        assert (names[0], names[1], names[-2:]) == (None, "helpful", ["ratings", "ratings"])
        assert main(["show", str(tmp_path / "run"), "--failures"]) == 0
        shown = capsys.readouterr().out
        assert "assistant (helpful): Answer 0." in shown
        assert "user (ratings): They are all fine." in shown
        ready = True
        again = await engine(stub(tmp_path, "preference", file, server), retry_failed=True, progress=Progress())
    assert (again["dialogues"], again["failed"], len(server.bodies)) == (1, 0, 7)


async def test_the_simulator_is_told_what_the_user_wrote_next(tmp_path: Path) -> None:
    file = given(tmp_path / "in.jsonl", talk("Why do ferries rust?", "Salt.", "Who pays for {it}?", "All of us."))

    def behave(number: int, body: dict[str, Any]) -> Answer:
        return reply(["Because of salt water.", "and who has to pay for that", "The island council."][number])

    async with FaultyServer(behave) as server:
        await engine(stub(tmp_path, "reanswer", file, server), progress=Progress())
    asked = server.bodies[1]["messages"]
    assert [message["role"] for message in asked] == ["system", "user", "assistant", "user"]
    assert '"Who pays for {it}?"' in asked[-1]["content"]
    assert asked[-1]["content"].startswith("Because of salt water.\n\n* * *\n")
    assert "Salt." not in json.dumps(server.bodies[0]["messages"])
    assert len(server.bodies) == 3


@pytest.mark.parametrize("sector", TAKING)
def test_the_plan_counts_what_a_run_asks(tmp_path: Path, source: Path, sector: str) -> None:
    found = plan(sector=sector, n=40, input=source, endpoint="builtin")
    made(tmp_path / "run", sector, source, n=40)
    usage = [one.usage for one in map(decode, map(orjson.loads, (tmp_path / "run" / "dialogues.jsonl").open("rb")))]
    asked = sum(paid.requests for sides in usage for paid in sides.values())
    assert 0.75 * found.requests <= asked <= 1.2 * found.requests
    assert set(found.prompts) == {"user", "assistant"}


@pytest.mark.parametrize("sector", TAKING)
@pytest.mark.parametrize("language", ["en", "zh", "zh-TW", "fr"])
def test_every_prompt_is_shown(capsys: pytest.CaptureFixture[str], sector: str, language: str) -> None:
    assert main(["sectors", "show", sector, "--language", language]) == 0
    shown = capsys.readouterr().out
    assert "\n\n\n" not in shown
    assert "{detail}" not in shown
