"""Faults that reviews have found: what each of them made wrong."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from biased import BiasedJudge
from desk import answers, evaluation, figure, judge, judged, questions
from faulty import Answer, FaultyServer, reply

from dialogue.errors import UsageError
from evaluator.bias import bias_figures
from evaluator.comparing import across
from evaluator.judges.faireval import FairEval
from evaluator.people import read
from evaluator.protocol import Pairing
from evaluator.records import Judgment, Verdict
from evaluator.settings import AnswerFile
from evaluator.stats.arena import Battle, bradley_terry
from evaluator.winning import score_ratio


def judgment(item: str, order: int, scores: tuple[float, float], repeat: int = 0) -> Judgment:
    """Scores of `one` and `two`, in this order of names."""
    names = ("one", "two") if order == 0 else ("two", "one")
    said = scores if order == 0 else scores[::-1]
    return Judgment(
        key=f"{item}-{order}-{repeat}",
        protocol="faireval",
        benchmark="b",
        item=item,
        shown=names,
        lengths=(10, 20),
        order=order,
        repeat=repeat,
        state="parsed",
        verdict=Verdict(scores=said),
    )


def ratio(rows: list[Judgment], orders: int) -> dict[str, float | None]:
    found = score_ratio(Pairing("one", "two", rows, orders))
    return {one.name: one.value for one in found}


def test_repeats_do_not_multiply_totals() -> None:
    once = [judgment(str(n), order, (6, 8)) for n in range(4) for order in (0, 1)]
    thrice = [one.model_copy(update={"repeat": r, "key": f"{one.key}{r}"}) for one in once for r in range(3)]
    assert ratio(thrice, 2) == pytest.approx(ratio(once, 2))
    assert ratio(once, 2)["total"] == pytest.approx(24)


def test_a_question_without_its_other_order_is_in_no_ratio() -> None:
    rows = [judgment("lost", 0, (9, 5)), *(judgment(str(n), order, (7, 7)) for n in range(3) for order in (0, 1))]
    assert ratio(rows, 2)["score_ratio"] == pytest.approx(100)
    assert len(FairEval("faireval").points(Pairing("one", "two", rows, 2))) == 3


def test_repeats_are_no_further_questions_for_a_position_bias() -> None:
    once = [judgment(str(n), n % 2, (9.0, 5.0) if n % 3 else (5.0, 9.0)) for n in range(30)]
    often = [one.model_copy(update={"repeat": r}) for one in once for r in range(5)]
    found = [
        next(one for one in bias_figures(Pairing("one", "two", rows)) if one.name == "position_bias")
        for rows in (once, often)
    ]
    assert found[0].clusters == found[1].clusters == 30
    assert (found[0].low, found[0].high) == pytest.approx((found[1].low, found[1].high))


def test_a_system_with_few_battles_ends_no_report() -> None:
    battles = [Battle(f"q{n}", "a", "b", n % 2) for n in range(6)] + [Battle("q0", "a", "c", 1)]
    found = bradley_terry(battles, rounds=200)
    assert found["c"].value < found["a"].value
    assert found["c"].low is None
    assert found["a"].low is not None


async def test_equal_questions_of_two_benchmarks_stay_with_their_own(tmp_path: Path) -> None:
    full = questions(tmp_path / "full.jsonl", 6)
    part = tmp_path / "part.jsonl"
    part.write_text("".join(full.read_text().splitlines(keepends=True)[:3]))
    given = answers(tmp_path / "one.json", full, "one")
    leaks = tmp_path / "leaks.json"
    leaks.write_text(json.dumps({"benchmarks": [{"name": "part", "clean_items": ["0"]}]}))
    async with FaultyServer(BiasedJudge("mt_bench")) as server:
        report = await evaluation(
            tmp_path / "out",
            benchmarks=(f"full={full}", f"part={part}"),
            answers=(AnswerFile(path=given),),
            protocols=("mt_bench",),
            judge=judge(server.base_url),
            contamination=leaks,
        )
        assert server.requests == 6, "an equal call is made once"
    assert [next(iter(one["calls"].values()))["parsed"] for one in report["sections"]] == [6, 3]
    assert figure(report, "mean_score", benchmark="part", split="contaminated")["clusters"] == 2
    rows = [json.loads(line) for line in (tmp_path / "out" / "scores.jsonl").read_text().splitlines()]
    for row in rows:
        assert {item.split("/")[0] for item in row["scores"]} == {row["benchmark"]}


async def test_what_people_filled_in_is_never_overwritten(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("mt_bench_pair")) as server:

        async def again(systems: list[str], **more: Any) -> dict[str, Any]:
            return await judged(tmp_path, server.base_url, "mt_bench_pair", systems, 5, baseline="two", **more)

        await again(["one", "two"])
        sheet = tmp_path / "out" / "people.csv"
        rows = list(csv.reader(io.StringIO(sheet.read_text(encoding="utf-8-sig"))))
        for row in rows[1:4]:
            row[-1] = "tie"
        with sheet.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(rows)
        report = await again(["one", "two"], people=sheet)
        assert report["people"][0]["n"] == 3
        await again(["one", "two", "three"])
    assert [row["verdict"] for row in read(sheet).values()] == ["tie"] * 3
    assert len(sheet.read_text(encoding="utf-8-sig").splitlines()) > len(rows)


def test_a_cell_longer_than_pythons_limit_is_read(tmp_path: Path) -> None:
    sheet = tmp_path / "p.csv"
    with sheet.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([["key", "answer_1", "verdict"], ["k", "x" * 200_000, "1"]])
    assert read(sheet)["k"]["verdict"] == "1"


async def test_a_follow_up_that_fails_goes_on_where_it_was(tmp_path: Path) -> None:
    seen: list[int] = []
    broken = True

    def behaviour(number: int, body: dict[str, Any]) -> Answer:
        seen.append(len(body["messages"]))
        if len(body["messages"]) == 2:
            return reply("My own answer is long ...")
        return Answer(b'{"error": {"message": "down"}}', 400) if broken else reply("[[A>B]]")

    async with FaultyServer(behaviour) as server:
        one = await judged(tmp_path, server.base_url, "arena_hard", ["one", "two"], 1, baseline="two")
        assert one["status"] == 1
        broken = False
        seen.clear()
        two = await judged(tmp_path, server.base_url, "arena_hard", ["one", "two"], 1, baseline="two")
    assert two["status"] == 0
    assert seen == [4, 4], "the first replies were paid for"


def test_shares_of_other_evaluations_are_compared_as_shares(tmp_path: Path) -> None:
    def line(system: str, hits: int) -> bytes:
        scores = {f"b/{n}": 100.0 * (n < hits) for n in range(12)}
        row = {"benchmark": "b", "protocol": "gsm8k", "judge": None, "system": system, "unit": "percent"}
        return json.dumps({**row, "scores": scores}).encode() + b"\n"

    (tmp_path / "scores.jsonl").write_bytes(line("theirs", 4))
    (one,) = across([line("ours", 9)], [tmp_path])
    assert one.differences[0].test == "mcnemar"
    assert one.differences[0].p == pytest.approx(0.0625)
    assert one.differences[0].estimate.value == pytest.approx(100 * 5 / 12)
    assert one.values["ours"]["value"] == 75


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"prompt": "other"}, "prompt is"),
        ({"against": "somebody"}, "against is"),
        ({"benchmark": "another"}, "no benchmark and protocol in common"),
        ({"scores": {"bench/999": 5.0}}, "no question in common"),
    ],
)
async def test_what_cannot_be_compared_is_told_before_anything_is_asked(
    change: dict[str, Any], told: str, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    async with FaultyServer(BiasedJudge("mt_bench")) as server:
        await judged(tmp_path / "there", server.base_url, "mt_bench", ["theirs"], 4)
        file = tmp_path / "there" / "out" / "scores.jsonl"
        file.write_text(json.dumps({**json.loads(file.read_text()), **change}) + "\n")
        before = server.requests
        more = {"compare": (tmp_path / "there" / "out",)}
        with pytest.raises(UsageError, match=told):
            await judged(tmp_path, server.base_url, "mt_bench", ["ours"], 4, **more)
        assert server.requests == before
