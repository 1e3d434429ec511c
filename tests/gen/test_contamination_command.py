"""`gen contamination`: what it finds, whom it asks, what it saves, and how it goes on."""

import asyncio
import contextlib
import io
import json
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from faulty import HANG, Answer, FaultyServer, reply, status
from runs import KEY, KEY_VARIABLE, Said, begin, end, leaks, rows
from runs import gen as child

import gen.api
import gen.contamination
import gen.leak_corpus
from dialogue.errors import UsageError
from filters.leaks.encoder import Vectors
from gen.contamination_config import ContaminationSettings
from gen.main import main
from gen.progress import Progress

NAMES = ("Amara", "Bertil", "Chidi", "Dagny", "Emeka", "Freya", "Gaston", "Hedda")
GOODS = ("lanterns", "kettles", "saddles", "mirrors", "anvils", "tapestries", "compasses", "barrels")
TOWNS = ("Ghent", "Lucca", "Porto", "Turku", "Bergen", "Sopot", "Kotor", "Visby")


def question(n: int) -> str:
    name, goods, town = NAMES[n], GOODS[n], TOWNS[n]
    return (
        f"{name} the merchant sells {goods} at the market of {town} for {n + 3} florins apiece and every seventh "
        f"customer haggles the price down by half. After {10 * n + 20} customers how many florins has {name} earned?"
    )


def near(n: int, beginning: str = "Consider this") -> str:
    """The same in other words."""
    name, goods, town = NAMES[n], GOODS[n], TOWNS[n]
    return (
        f"{beginning}: at {town} market a merchant called {name} is selling {goods}, {n + 3} florins for one. Half "
        f"price goes to each seventh haggling customer. How many florins has {name} got, customers being {10 * n + 20}?"
    )


def other(n: int) -> str:
    return f"Could you tell me about lake number {n} of the north, how deep it is and who fishes there in winter?"


def dialogue(id: str, said: str) -> dict[str, Any]:
    answer = {"role": "assistant", "content": "Let us look at that together, one thing after the other."}
    return {"id": id, "messages": [{"role": "user", "content": said}, answer]}


def write(path: Path, lines: Iterable[Any]) -> Path:
    path.write_bytes(b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines))
    return path


CORPUS = [
    *(dialogue(f"other-{n}", other(n)) for n in range(30)),
    dialogue("verbatim", question(0)),
    *(dialogue(f"near-{n}", near(n)) for n in range(1, 8)),
]
NEAR = 7


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A benchmark of eight items with its map, and a corpus that holds one word for word and seven in other words."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    write(tmp_path / "items.jsonl", ({"q": question(n), "a": f"{n}"} for n in range(8)))
    (tmp_path / "market.toml").write_text('question = "q"\nanswer = "a"\npath = "items.jsonl"\n')
    write(tmp_path / "in.jsonl", CORPUS)
    return tmp_path


def words(place: Path, *more: object) -> tuple[object, ...]:
    """The command on the folder `out`, with a small self-test."""
    config = place / "project.toml"
    if not config.exists():
        config.write_text("[contamination]\nplants = 4\n")
    benchmark = ("--benchmark", place / "market.toml", "--workers", 1)
    return ("contamination", place / "in.jsonl", *benchmark, "--out", place / "out", "--config", config, *more)


def judging(
    place: Path, server: FaultyServer, *more: object, endpoint: str = "", plants: int = 0
) -> tuple[object, ...]:
    """The same with a judge."""
    (place / "project.toml").write_text(
        f"[contamination]\nplants = {plants}\nretry_wait_s = 0.01\n[endpoint.main]\n"
        f'base_url = "{server.base_url}"\nmodel = "stub-1"\napi_key_env = "{KEY_VARIABLE}"\n{endpoint}\n'
    )
    return words(place, "--judge", "main", *more)


async def play(*words: object) -> Said:
    """The command in this process, in a thread: the server that it asks lives in this one."""
    out, err = io.StringIO(), io.StringIO()

    def command() -> int:
        try:
            return main([*map(str, words)])
        except SystemExit as left:
            return int(str(left.code))

    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        ended = await asyncio.to_thread(command)
    return Said(ended, out.getvalue(), err.getvalue())


def said(word: str, **fields: Any) -> Answer:
    return reply(json.dumps({"reason": "so it is", "verdict": word}), **fields)


def asked_of(body: dict[str, Any]) -> int:
    """The number of the item that a judge is asked about."""
    prompt = body["messages"][0]["content"]
    return next(n for n, name in enumerate(NAMES) if f"{name} the merchant" in prompt)


def odd_leak(number: int, body: dict[str, Any]) -> Answer:
    return said("leak" if asked_of(body) % 2 else "not_leak")


def report(place: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place / "out" / "report.json").read_bytes())
    return found


def check(found: Said, status: int, *parts: str) -> Said:
    """Assert the exit status, the parts of stderr, and that a bad end has one line that is the command's own."""
    assert found.status == status, f"{found.status}\n{found.err}\n{found.out}"
    assert "Traceback" not in found.err
    for part in parts:
        assert part in found.err, found.err
    own = [line for line in found.err.splitlines() if line.startswith("gen contamination: ")]
    assert len(own) == (1 if status in (2, 3) else 0), found.err
    return found


# What is found


async def test_certain_hits_and_candidates_are_reported_and_nobody_is_asked(place: Path) -> None:
    found = check(await child(*words(place)), 0, "7 candidates wait for a --judge ENDPOINT, at most 5 an item")
    told = report(place)
    assert told["read"] == 38
    (table,) = told["benchmarks"]
    assert (table["name"], table["items"], table["items_hit"]) == ("market", 8, 1)
    assert (table["certain"], table["candidate"], len(table["suspected_items"])) == (1, 7, 7)
    by_id = {hit["id"]: hit for hit in told["hits"]}
    assert by_id.keys() == {"verbatim", *(f"near-{n}" for n in range(1, 8))}
    assert by_id["verbatim"]["tier"] == "certain"
    for n in range(1, 8):
        hit = by_id[f"near-{n}"]
        assert (hit["tier"], hit["item"], hit["verdict"]) == ("candidate", str(n), None)
        assert hit["item_text"] == question(n)
        assert hit["text"] == near(n)
    assert told["judge"] is None
    assert rows(place / "out" / "hits.jsonl") == sorted(
        told["hits"], key=lambda hit: [one["id"] for one in CORPUS].index(hit["id"])
    )
    assert (place / "out" / "report.html").exists()
    assert found.out.splitlines()[-1] == f"{place}/out/report.html"


async def test_the_self_test_plants_into_this_corpus(place: Path) -> None:
    (await play(*words(place))).check(0)
    kinds = {kind["kind"]: kind for kind in report(place)["self_test"]["kinds"]}
    assert kinds["verbatim"]["planted"] == 4
    assert kinds["verbatim"]["found"][0] | {"by": "certain", "found": 4} == kinds["verbatim"]["found"][0]
    assert "rephrased" not in kinds


async def test_json_is_the_report_without_the_single_hits(place: Path) -> None:
    found = check(await play(*words(place, "--json")), 0)
    shown = json.loads(found.out)
    assert shown["status"] == 0
    assert "hits" not in shown
    assert shown["hits_total"] == 8


def settings(place: Path, **more: Any) -> ContaminationSettings:
    fields = {"inputs": (place / "in.jsonl",), "benchmarks": (str(place / "market.toml"),), "plants": 4}
    return ContaminationSettings(**{**fields, "out": place / "out", **more})


def result(place: Path, **more: Any) -> tuple[bytes, dict[str, Any]]:
    out = place / f"out-{len(list(place.iterdir()))}"
    found = gen.contamination.contamination(settings(place, out=out, **more), Progress())
    return (out / "hits.jsonl").read_bytes(), {
        name: value for name, value in found.items() if name not in ("out", "inputs")
    }


def test_the_size_of_blocks_changes_nothing(place: Path) -> None:
    assert result(place) == result(place, block_bytes=700)


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gen.leak_corpus, "INLINE_BYTES", 0)
    assert result(place) == result(place, block_bytes=700, workers=2)


class Letters:
    """An encoder that knows no word, only which goods are spoken of."""

    def __init__(self, model: str) -> None:
        self.model = model

    def encode(self, texts: Sequence[str]) -> Vectors:
        found = np.zeros((len(texts), len(GOODS) + 1), np.float32)
        for row, text in enumerate(texts):
            found[row, next((n for n, goods in enumerate(GOODS) if goods in text), len(GOODS))] = 1.0
        return found


def test_what_an_encoder_finds_alike_is_a_candidate_too(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gen.contamination, "LocalEncoder", Letters)
    write(place / "in.jsonl", [*CORPUS, dialogue("far", "Where do old anvils end up these days?")])
    found = gen.contamination.contamination(settings(place, encoder="letters"), Progress())
    hits = {hit["id"]: hit for hit in found["hits"]}
    assert (hits["far"]["item"], hits["far"]["rules"]) == ("4", ["embedding-top-k"])
    assert "embedding-top-k" in hits["near-4"]["rules"]
    assert len(hits["near-4"]["rules"]) > 1


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


def write_plants(place: Path, plants: int) -> Path:
    (place / "plants.toml").write_text(f"[contamination]\nplants = {plants}\n")
    return place / "plants.toml"


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


# The folder


async def test_another_request_is_refused_with_the_difference(place: Path) -> None:
    check(await play(*words(place)), 0)
    check(await play(*words(place, "--config", write_plants(place, 6))), 2, "plants was 4, is now 6")
    write(place / "in.jsonl", CORPUS[1:])
    check(await play(*words(place)), 2, "inputs.in.jsonl was", "name another folder")


async def test_another_judge_is_another_request(place: Path) -> None:
    async with FaultyServer(odd_leak) as server:
        check(await play(*judging(place, server)), 0)
        check(await play(*judging(place, server, "--model", "stub-2")), 2, 'judge.model was "stub-1", is now "stub-2"')
        assert server.requests == NEAR


async def test_a_folder_of_another_kind_is_refused(place: Path) -> None:
    (place / "out").mkdir()
    (place / "out" / "dialogues.jsonl").write_text("")
    check(await play(*words(place)), 2, "holds files of another kind")


# The input


async def test_an_empty_input_is_no_error_and_is_said(place: Path) -> None:
    (place / "in.jsonl").write_text("")
    check(await play(*words(place)), 0, "in.jsonl: no dialogue in it")
    told = report(place)
    assert (told["read"], told["hits"], told["self_test"]) == (0, [], None)


async def test_no_candidate_means_no_question(place: Path) -> None:
    write(place / "in.jsonl", CORPUS[:30])
    async with FaultyServer() as server:
        check(await play(*judging(place, server)), 0, "judge: stub-1 at main, 0 questions")
        assert server.requests == 0
        assert report(place)["judge"]["questions"] == 0


async def test_a_torn_last_line_is_left_out_and_said(place: Path) -> None:
    with (place / "in.jsonl").open("ab") as file:
        file.write(b'{"id": "torn", "messages": [{"ro')
    check(await play(*words(place)), 0, "its last line was cut off and left out")
    assert report(place)["read"] == 38


async def test_a_line_that_is_not_json_is_named(place: Path) -> None:
    (place / "in.jsonl").write_bytes(b'{"messages": oops}\n' + (place / "in.jsonl").read_bytes())
    check(await play(*words(place)), 2, "in.jsonl:1: not JSON")
    assert not (place / "out" / "report.json").exists()


async def test_a_row_that_is_no_dialogue_is_put_aside(place: Path) -> None:
    write(place / "in.jsonl", [*CORPUS, {"nothing": 1}])
    check(await play(*words(place)), 1)
    (refused,) = rows(place / "out" / "refused.jsonl")
    assert refused["place"].endswith("in.jsonl:39")
    assert report(place)["refused"] == 1


# Wrong usage


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (("--judge", "builtin"), "--judge builtin: builtin is no language model"),
        (("--rephrase", "builtin"), "--rephrase builtin: builtin is no language model"),
        (("--judge", "nobody"), "--judge: unknown key 'nobody'"),
        (("--judge", "http:///v1"), "--judge http:///v1: expected http://HOST/v1"),
        (("--judge", "openai"), "OPENAI_API_KEY"),
        (("--model", "m"), "--model m: nobody is asked"),
        (("--judge", "http://127.0.0.1:9/v1", "--max-cost", "1"), "no price is known for the model of judge"),
        (("--max-cost", "free"), "--max-cost free: expected a number"),
        (("--per-item", "0"), "--per-item 0: expected a whole number above 0"),
        (("--format", "stone"), "stone"),
        (("--benchmark", "/no/such/file"), "/no/such/file: no such file"),
        (("--benchmark", "gsm8k"), "say where its file is, as gsm8k=PATH"),
        (("--jugde", "x"), "no such option; did you mean --judge"),
    ],
)
async def test_a_wrong_flag_is_named_before_anything_is_written(place: Path, more: tuple[str, ...], part: str) -> None:
    check(await play(*words(place, *more)), 2, part)
    assert not (place / "out").exists()


async def test_what_is_missing_is_named(place: Path) -> None:
    check(await play("contamination", place / "in.jsonl", "--out", place / "out"), 2, "--benchmark is missing")
    check(await play("contamination", place / "in.jsonl", "--benchmark", place / "market.toml"), 2, "--out is missing")
    check(await play("contamination", "--benchmark", place / "market.toml", "--out", place / "out"), 2, "IN is missing")
    command = ("contamination", place / "none.jsonl", "--benchmark", place / "market.toml", "--out", place / "out")
    check(await play(*command), 2, "none.jsonl: no such file")


async def test_an_unknown_key_of_the_toml_is_named_with_the_near_ones(place: Path) -> None:
    (place / "project.toml").write_text("[contamination]\nper_items = 4\n")
    check(await play(*words(place)), 2, "unknown key 'per_items'; did you mean per_item")


# The function


async def test_the_function_works_under_a_running_event_loop(place: Path) -> None:
    class Threaded:
        """The server in a thread of its own: the function holds this one."""

        async def __aenter__(self) -> FaultyServer:
            self.loop = asyncio.new_event_loop()
            self.server = FaultyServer(odd_leak)
            self.thread = asyncio.get_running_loop().run_in_executor(None, self.loop.run_forever)
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.server.start(), self.loop))
            return self.server

        async def __aexit__(self, *_: object) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop))
            self.loop.call_soon_threadsafe(self.loop.stop)
            await self.thread

    async with Threaded() as server:
        found = gen.api.contamination(
            place / "in.jsonl",
            benchmarks=[str(place / "market.toml")],
            out=place / "out",
            judge=server.base_url,
            plants=4,
        )
    assert (found["status"], found["judge"]["leak"], found["judge"]["not_leak"]) == (0, 4, 3)


def test_the_function_refuses_an_unknown_option(place: Path) -> None:
    with pytest.raises(UsageError, match="unknown key 'benchmark'; did you mean benchmarks"):
        gen.api.contamination(place / "in.jsonl", benchmark="x", out=place / "out")
