"""`gen contamination`: what it finds, what it reads, what it refuses."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faulty import FaultyServer
from market import (
    CORPUS,
    GOODS,
    NEAR,
    check,
    dialogue,
    judging,
    laid_out,
    near,
    odd_leak,
    play,
    question,
    report,
    words,
    write,
    write_plants,
)
from runs import gen as child
from runs import rows

import gen.api
import gen.contamination
import gen.leak_corpus
from dialogue.errors import UsageError
from filters.leaks.encoder import Vectors
from gen.contamination_config import ContaminationSettings
from gen.progress import Progress


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return laid_out(tmp_path, monkeypatch)


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
