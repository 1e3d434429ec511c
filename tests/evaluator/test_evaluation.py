"""An evaluation from end to end: what is asked and how often, what is refused, what the report holds."""

import csv
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from biased import BiasedJudge
from desk import answers, evaluation, figure, judge, judged, questions
from faulty import Answer, FaultyServer, reply

from dialogue.errors import UsageError
from evaluator.answer_files import read
from evaluator.items import benches
from evaluator.settings import AnswerFile
from generator.asking import Speaker, Terms
from generator.client.endpoint import Endpoint, Price

MT = [
    {"question_id": 81, "category": "writing", "turns": ["Write of tides.", "Again, shorter."]},
    {"question_id": 111, "category": "math", "turns": ["What is 2 + 2?", "And times 3?"]},
    {"question_id": 151, "category": "humanities", "turns": ["Who was Ada?", "And then?"]},
]


def system(url: str, name: str = "pupil") -> Speaker:
    return Speaker(endpoint=Endpoint(name=name, base_url=(url,), model=name, price=Price(input=1, output=1)))


def mt_bench(path: Path) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in MT), encoding="utf-8")
    return path


class Both:
    """One server for systems, which answer with what they are worth, and for a judge."""

    def __init__(self, protocol: str, **leanings: Any) -> None:
        self.judge = BiasedJudge(protocol, **leanings)
        self.asked: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, number: int, body: dict[str, Any]) -> Answer:
        self.asked[str(body["model"])] += 1
        if body["model"] == "biased":
            return self.judge(number, body)
        self.bodies.append(body)
        return reply(f"worth {6 + len(body['messages'])} " + body["model"])


async def test_turns_are_asked_in_order_at_the_categorys_temperature_and_nothing_twice(tmp_path: Path) -> None:
    both = Both("mt_bench")
    async with FaultyServer(both) as server:
        asked = {
            "benchmarks": (f"mt_bench={mt_bench(tmp_path / 'mt.jsonl')}",),
            "systems": {"pupil": system(server.base_url)},
            "judge": judge(server.base_url),
        }
        report = await evaluation(tmp_path / "out", **asked)
        assert report["status"] == 0
        assert both.asked == {"pupil": 6, "biased": 6}
        again = await evaluation(tmp_path / "out", **asked)
    assert both.asked == {"pupil": 6, "biased": 6}
    assert again["figures"] == report["figures"]
    by_turn = {len(body["messages"]): body for body in both.bodies if "tides" in body["messages"][0]["content"]}
    assert by_turn[3]["messages"][1] == {"role": "assistant", "content": "worth 7 pupil"}
    temperatures = {body["messages"][0]["content"]: body["temperature"] for body in both.bodies}
    assert temperatures == {"Write of tides.": 0.7, "What is 2 + 2?": 0.0, "Who was Ada?": 0.1}
    assert figure(report, "mean_score_turn_1")["value"] == 7
    assert figure(report, "mean_score_turn_2")["value"] == 9


async def test_a_judgment_tells_all_that_it_came_from(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("mt_bench_pair")) as server:
        await judged(tmp_path, server.base_url, "mt_bench_pair", ["one", "two"], 3, baseline="two")
    lines = [json.loads(line) for line in (tmp_path / "out" / "judgments.jsonl").read_text().splitlines()]
    assert len(lines) == 6
    for line in lines:
        assert line["protocol"] == "mt_bench_pair"
        assert line["judge"] == "biased"
        assert line["named"] == "biased-1"
        assert {"key", "prompt", "order", "seed", "raw", "state", "usage", "shown", "lengths", "verdict"} <= line.keys()


async def test_a_verdict_in_json_is_read_where_the_endpoint_takes_the_schema_and_that_is_recorded(
    tmp_path: Path,
) -> None:
    async with FaultyServer(BiasedJudge("mt_bench", schema=True)) as server:
        await judged(tmp_path, server.base_url, "mt_bench", ["one"], 4)
    lines = [json.loads(line) for line in (tmp_path / "out" / "judgments.jsonl").read_text().splitlines()]
    assert {(line["format"], line["verdict"]["read_as"]) for line in lines} == {("schema", "json")}


async def test_stored_judgments_give_the_same_figures_without_a_call(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("faireval", first=0.2)) as server:
        report = await judged(tmp_path, server.base_url, "faireval", ["one", "two"], 30, baseline="two")
        before = server.requests
        again = await evaluation(tmp_path / "again", judgments=(tmp_path / "out" / "judgments.jsonl",), baseline="two")
        assert server.requests == before
    for name in ("adjusted_win_rate", "score_ratio", "position_bias", "conflict_rate"):
        assert figure(again, name, "one")["value"] == figure(report, name, "one")["value"]


async def test_systems_that_answer_the_same_are_judged_each_for_itself_and_failed_calls_stay_failed(
    tmp_path: Path,
) -> None:
    def behaviour(number: int, body: dict[str, Any]) -> Answer:
        broken = "number 3," in body["messages"][-1]["content"] or "number 3." in body["messages"][-1]["content"]
        return Answer(b'{"error": {"message": "too long"}}', 400) if broken else reply("Rating: [[7]]")

    benchmark = questions(tmp_path / "bench.jsonl", 8)
    rows = json.loads(answers(tmp_path / "one.json", benchmark, "one").read_text())
    (tmp_path / "two.json").write_text(json.dumps([{**row, "generator": "two"} for row in rows]))
    async with FaultyServer(behaviour) as server:
        report = await evaluation(
            tmp_path / "out",
            benchmarks=(f"bench={benchmark}",),
            answers=tuple(AnswerFile(path=tmp_path / f"{name}.json") for name in ("one", "two")),
            protocols=("mt_bench",),
            judge=judge(server.base_url),
        )
        assert server.requests == 16
    again = await evaluation(tmp_path / "again", judgments=(tmp_path / "out" / "judgments.jsonl",))
    for found in (report, again):
        calls = {"asked": 8, "parsed": 7, "call_failed": 1}
        assert found["sections"][0]["calls"] == {"one": calls, "two": calls}


async def test_repeats_show_how_far_a_judge_agrees_with_itself(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("mt_bench_pair", first=0.5)) as server:
        report = await judged(tmp_path, server.base_url, "mt_bench_pair", ["one", "two"], 30, baseline="two", repeats=3)
        assert server.requests == 180
    assert figure(report, "between_run_sd", "one")["value"] > 0


async def by_name(place: Path, behaviour: Any, **more: Any) -> dict[str, Any]:
    """Two systems judged in both orders by a judge that knows them by name: they answer "from one", "from two"."""
    benchmark = questions(place / "bench.jsonl", 10)
    given = []
    for name in ("one", "two"):
        rows = json.loads(answers(place / f"{name}.json", benchmark, name).read_text())
        (place / f"{name}.json").write_text(json.dumps([{**row, "output": f"from {name}"} for row in rows]))
        given.append(AnswerFile(path=place / f"{name}.json"))
    asked = {"benchmarks": (f"bench={benchmark}",), "answers": tuple(given), "protocols": ("mt_bench_pair",)}
    async with FaultyServer(behaviour) as server:
        return await evaluation(place / "out", judge=judge(server.base_url), baseline="two", **asked, **more)


async def test_a_question_whose_other_order_has_no_verdict_has_no_outcome(tmp_path: Path) -> None:
    def behaviour(number: int, body: dict[str, Any]) -> Answer:
        prompt = body["messages"][-1]["content"]
        first = prompt.index("from one") < prompt.index("from two")
        return reply("[[A]]" if first else "Both have their merits, as so often.")

    report = await by_name(tmp_path, behaviour, repeats=2)
    assert figure(report, "adjusted_win_rate", "one")["value"] is None
    assert not [one for one in report["figures"] if one["name"] in ("win_share", "between_run_sd")]


async def test_systems_are_compared_pairwise_and_ties_share_their_ranks(tmp_path: Path) -> None:
    benchmark = questions(tmp_path / "bench.jsonl", 150)
    names = {"best": 2.0, "good": 0.0, "same": 0.0}
    files = [answers(tmp_path / f"{name}.json", benchmark, name, better=up) for name, up in names.items()]
    async with FaultyServer(BiasedJudge("mt_bench")) as server:
        report = await evaluation(
            tmp_path / "out",
            benchmarks=(f"bench={benchmark}",),
            answers=tuple(AnswerFile(path=path) for path in files),
            protocols=("mt_bench",),
            judge=judge(server.base_url),
        )
    section = report["sections"][0]
    assert section["ranks"] == {"best": [1, 1], "good": [2, 3], "same": [2, 3]}
    pair = next(one for one in section["comparisons"] if {one["first"], one["second"]} == {"best", "good"})
    assert pair["p_holm"] < 0.001
    assert pair["low"] < 2.0 < pair["high"]
    assert 0 < section["resolvable_difference"] < 1


async def test_all_against_all_gives_bradley_terry_strengths(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("arena_hard")) as server:
        report = await judged(tmp_path, server.base_url, "arena_hard", ["one", "two", "three"], 30)
        assert server.requests == 30 * 3 * 2
    strengths = [one for one in report["figures"] if one["name"] == "bradley_terry"]
    assert {one["system"] for one in strengths} == {"one", "two", "three"}
    assert report["sections"][0]["ranks"]


async def test_the_verdict_that_was_cut_off_is_asked_for_once_more(tmp_path: Path) -> None:
    def behaviour(number: int, body: dict[str, Any]) -> Answer:
        return reply("[[A>B]]" if len(body["messages"]) > 2 else "My own answer is long ...")

    async with FaultyServer(behaviour) as server:
        report = await judged(tmp_path, server.base_url, "arena_hard", ["one", "two"], 2, baseline="two")
        assert server.requests == 8
    assert report["status"] == 0


async def test_a_cap_on_spending_stops_it_and_the_same_call_goes_on(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("mt_bench")) as server:
        terms = Terms(concurrency=1, retry_wait_s=0.01, max_cost_usd=0.0006)
        report = await judged(tmp_path, server.base_url, "mt_bench", ["one"], 40, terms=terms)
        assert report["status"] == 3
        assert report["open"] > 0
        assert report["stopped"]
        first = server.requests
        report = await judged(tmp_path, server.base_url, "mt_bench", ["one"], 40)
        assert report["status"] == 0
        assert server.requests == 40 > first


async def test_another_judge_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("mt_bench")) as server:
        await judged(tmp_path, server.base_url, "mt_bench", ["one"], 3)
        other = judge(server.base_url)
        other = other.model_copy(update={"endpoint": other.endpoint.model_copy(update={"model": "another"})})
        with pytest.raises(UsageError, match=r"judge\.model was"):
            await judged(tmp_path, server.base_url, "mt_bench", ["one"], 3, judge=other)


async def test_scores_are_split_by_what_leaked(tmp_path: Path) -> None:
    clean = [str(number) for number in range(40)]
    leaks = tmp_path / "report.json"
    leaks.write_text(json.dumps({"benchmarks": [{"name": "bench", "clean_items": clean}]}))
    benchmark = questions(tmp_path / "bench.jsonl", 60)
    rows = json.loads(answers(tmp_path / "one.json", benchmark, "one").read_text())
    for row in rows[40:]:
        row["output"] = "worth 9.5 learnt by heart"
    (tmp_path / "one.json").write_text(json.dumps(rows))
    async with FaultyServer(BiasedJudge("mt_bench")) as server:
        report = await evaluation(
            tmp_path / "out",
            benchmarks=(f"bench={benchmark}",),
            answers=(AnswerFile(path=tmp_path / "one.json"),),
            protocols=("mt_bench",),
            judge=judge(server.base_url),
            contamination=leaks,
        )
    assert figure(report, "mean_score", split="contaminated")["value"] == 9.5
    assert figure(report, "mean_score", split="clean")["clusters"] == 40
    gap = figure(report, "mean_score_gap")
    assert gap["low"] > 2
    assert report["benchmarks"][0]["contaminated"] == 20


async def test_evaluations_by_different_judges_are_not_compared(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("mt_bench")) as server:
        for place, model in (("a", "biased"), ("b", "other")):
            (tmp_path / place).mkdir()
            by = judge(server.base_url)
            by = by.model_copy(update={"endpoint": by.endpoint.model_copy(update={"model": model})})
            await judged(tmp_path / place, server.base_url, "mt_bench", [f"one-{place}"], 12, judge=by)
        with pytest.raises(UsageError, match="judge is biased and other"):
            await judged(tmp_path / "a", server.base_url, "mt_bench", ["one-a"], 12, compare=(tmp_path / "b" / "out",))


async def test_only_questions_that_both_have_are_compared_aloud(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("mt_bench")) as server:
        for place, n in (("a", 12), ("b", 20)):
            (tmp_path / place).mkdir()
            await judged(tmp_path / place, server.base_url, "mt_bench", [f"one-{place}"], n)
        more = {"compare": (tmp_path / "b" / "out",)}
        report = await judged(tmp_path / "a", server.base_url, "mt_bench", ["one-a"], 12, **more)
    (one,) = report["compare"]
    assert one["questions"] == 12
    assert any("8 questions of one-b" in said for said in report["said"])


async def test_people_judge_blind_and_are_set_beside_the_judge(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("mt_bench_pair")) as server:
        await judged(tmp_path, server.base_url, "mt_bench_pair", ["one", "two"], 20, baseline="two")
        sheet = tmp_path / "out" / "people.csv"
        text = sheet.read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert len(rows) == 40
        assert "one" not in rows[0]["question"] + rows[0]["protocol"]
        for row in rows:
            first, second = (float(row[f"answer_{n}"].split()[1]) for n in (1, 2))
            row["verdict"] = "1" if first > second else "2"
        filled = tmp_path / "filled.csv"
        with filled.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        report = await judged(
            tmp_path, server.base_url, "mt_bench_pair", ["one", "two"], 20, baseline="two", people=filled
        )
    assert report["people"][0]["raw_agreement"]["value"] == 1.0
    assert report["people"][0]["kappa"]["value"] == 1.0


@pytest.mark.parametrize("layout", ["alpaca_eval", "fastchat", "arena_hard"])
async def test_answers_go_out_and_come_in_again(layout: str, tmp_path: Path) -> None:
    async with FaultyServer(Both("mt_bench")) as server:
        benchmark = questions(tmp_path / "bench.jsonl", 5)
        await evaluation(
            tmp_path / "out",
            benchmarks=(f"bench={benchmark}",),
            systems={"pupil": system(server.base_url)},
            judge=judge(server.base_url),
            protocols=("rubric",),
            answers_as=layout,
        )
    (file,) = (tmp_path / "out").glob("answers-pupil.*")
    found = read(file)
    assert len(found) == 5
    assert {one.system for one in found} == {"pupil"}
    assert {one.turns for one in found} == {("worth 7 pupil",)}


async def test_one_answer_to_everything_is_pointed_out(tmp_path: Path) -> None:
    benchmark = questions(tmp_path / "bench.jsonl", 12)
    rows = json.loads(answers(tmp_path / "one.json", benchmark, "one").read_text())
    (tmp_path / "one.json").write_text(json.dumps([{**row, "output": "worth 9 always"} for row in rows]))
    async with FaultyServer(BiasedJudge("mt_bench")) as server:
        report = await evaluation(
            tmp_path / "out",
            benchmarks=(f"bench={benchmark}",),
            answers=(AnswerFile(path=tmp_path / "one.json"),),
            protocols=("mt_bench",),
            judge=judge(server.base_url),
        )
    assert any("one and the same answer to 12 of 12" in note for note in report["sections"][0]["notes"])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"protocols": ("mt_bench",), "judge": None}, "--judge is missing"),
        ({"protocols": ("alpaca_eval_2",)}, "compares systems: name a second one"),
        ({"protocols": ("mt_bensh",)}, "did you mean mt_bench"),
        ({"baseline": "nobody"}, "--baseline nobody: no such system"),
        ({"protocols": ("ifeval",)}, "no instruction_id_list"),
        ({"protocols": ("choice",)}, "no options"),
        ({"benchmarks": ("nowhere.jsonl",)}, "no such file"),
    ],
)
async def test_what_cannot_be_done_is_told_before_anything_is_asked(
    changes: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=told):
        await judged(tmp_path, "http://127.0.0.1:9/v1", "mt_bench", ["one"], 3, **changes)
    assert not (tmp_path / "out").exists()


async def test_why_there_is_no_verdict_and_where_the_judge_leans_is_told(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("mt_bench_pair", first=0.9, garble=0.2)) as server:
        report = await judged(tmp_path, server.base_url, "mt_bench_pair", ["one", "two"], 30, baseline="two")
    notes = " ".join(report["sections"][0]["notes"])
    assert "unparsed: no [[A]], [[B]] or [[C]]" in notes
    assert "the judge leans to the answer shown first" in notes


@pytest.mark.parametrize(
    ("verdict", "told"), [("", "no verdict is filled in"), ("99", "from 1 to 10"), ("good", "from 1 to 10")]
)
async def test_a_sheet_that_cannot_be_read_is_told(verdict: str, told: str, tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("mt_bench")) as server:
        await judged(tmp_path, server.base_url, "mt_bench", ["one"], 3)
        rows = list(csv.reader(io.StringIO((tmp_path / "out" / "people.csv").read_text(encoding="utf-8-sig"))))
        rows = [rows[0], *([*row[:-1], verdict] for row in rows[1:])]
        with (tmp_path / "p.csv").open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(rows)
        with pytest.raises(UsageError, match=told):
            await judged(tmp_path, server.base_url, "mt_bench", ["one"], 3, people=tmp_path / "p.csv")


async def test_a_folder_stands_for_its_judgments(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("mt_bench")) as server:
        report = await judged(tmp_path, server.base_url, "mt_bench", ["one"], 5)
    again = await evaluation(tmp_path / "again", judgments=(tmp_path / "out",))
    assert figure(again, "mean_score")["value"] == figure(report, "mean_score")["value"]


async def test_two_servers_of_one_model_name_do_not_share_their_answers(tmp_path: Path) -> None:
    data = tmp_path / "g.jsonl"
    rows = [{"question": f"What is {n}?", "answer": f"#### {n}"} for n in range(6)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def right(number: int, body: dict[str, Any]) -> Answer:
        return reply("#### " + body["messages"][0]["content"].split("is ")[1].split("?")[0])

    async with FaultyServer(right) as one, FaultyServer(lambda number, body: reply("#### 77")) as other:
        systems = {"right": system(one.base_url, "m"), "wrong": system(other.base_url, "m")}
        report = await evaluation(tmp_path / "out", benchmarks=(f"gsm8k={data}",), systems=systems)
        assert (one.requests, other.requests) == (6, 6)
    assert figure(report, "strict", "right")["value"] == 100
    assert figure(report, "strict", "wrong")["value"] == 0
    again = read(tmp_path / "out" / "answers.jsonl")
    assert len(again) == 12
    assert {one.benchmark for one in again} == {"gsm8k"}


@pytest.mark.parametrize("said", ['{"explanation": "e", "verdict": ["A"]}', '{"explanation": "e", "verdict": null}'])
async def test_a_reply_that_no_parser_foresaw_is_kept_as_unparsed(said: str, tmp_path: Path) -> None:
    async with FaultyServer(lambda number, body: reply(said)) as server:
        report = await judged(tmp_path, server.base_url, "mt_bench_pair", ["one", "two"], 3, baseline="two")
    assert report["sections"][0]["calls"]["one against two"] == {"asked": 6, "unparsed": 6}
    assert len((tmp_path / "out" / "judgments.jsonl").read_text().splitlines()) == 6


async def test_bounds_are_of_questions_where_both_orders_are_needed(tmp_path: Path) -> None:
    """In half of the questions the second order has no verdict, and the first was lost: the rate may be 50 at most."""

    def behaviour(number: int, body: dict[str, Any]) -> Answer:
        prompt = body["messages"][-1]["content"]
        number = int(prompt.split(" number ")[1].split(".")[0])
        first = prompt.index("from one") < prompt.index("from two")
        if number < 5:
            return reply("[[A]]" if first else "[[B]]")
        return reply("[[B]]" if first else "nothing to say")

    report = await by_name(tmp_path, behaviour)
    found = figure(report, "adjusted_win_rate", "one")
    assert found["value"] == 100
    assert (found["worst"], found["best"]) == (50, 100)


async def test_the_longest_answer_is_the_users_where_the_protocol_says_nothing_of_it(tmp_path: Path) -> None:
    both = Both("mt_bench")
    async with FaultyServer(both) as server:
        pupil = system(server.base_url)
        pupil = pupil.model_copy(update={"sampling": pupil.sampling.model_copy(update={"max_tokens": 33})})
        await evaluation(
            tmp_path / "out",
            benchmarks=(f"mt_bench={mt_bench(tmp_path / 'mt.jsonl')}",),
            systems={"pupil": pupil},
            judge=judge(server.base_url),
        )
    assert {body["max_tokens"] for body in both.bodies} == {33}
    assert {body["temperature"] for body in both.bodies} == {0.7, 0.0, 0.1}


async def test_references_are_shown_where_the_protocol_has_them(tmp_path: Path) -> None:
    file = tmp_path / "refs.jsonl"
    rows = [{"question_id": id, "choices": [{"turns": [f"first of {id}", f"second of {id}"]}]} for id in (81, 111)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    prompts: list[str] = []

    class Listening(Both):
        def __call__(self, number: int, body: dict[str, Any]) -> Answer:
            if body["model"] == "biased":
                prompts.append(body["messages"][-1]["content"])
            return super().__call__(number, body)

    async with FaultyServer(Listening("mt_bench")) as server:
        await evaluation(
            tmp_path / "out",
            benchmarks=(f"mt_bench={mt_bench(tmp_path / 'mt.jsonl')}",),
            references=(file,),
            systems={"pupil": system(server.base_url)},
            judge=judge(server.base_url),
        )
    told = [prompt for prompt in prompts if "reference answer" in prompt]
    assert len(told) == 2, "mathematics has references, writing has none"
    assert any("first of 111" in prompt and "second of 111" not in prompt for prompt in told)
    file.write_text("{}\n")
    with pytest.raises(UsageError, match="expected question_id"):
        benches([str(tmp_path / "mt.jsonl")], [file])


async def test_samples_are_drawn_anew_and_belong_to_one_question(tmp_path: Path) -> None:
    data = tmp_path / "g.jsonl"
    rows = [{"question": f"What is {n}?", "answer": f"#### {n}"} for n in range(4)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    seeds: set[int] = set()

    def behaviour(number: int, body: dict[str, Any]) -> Answer:
        seeds.add(body["seed"])
        return reply(f"#### {number % 2}")

    async with FaultyServer(behaviour) as server:
        asked = {"benchmarks": (f"gsm8k={data}",), "systems": {"pupil": system(server.base_url)}}
        report = await evaluation(tmp_path / "out", samples=3, **asked)
        assert server.requests == 12
    assert len(seeds) == 12
    found = figure(report, "strict")
    assert (found["n_scored"], found["clusters"]) == (12, 4)


async def test_calls_for_each_view_may_be_fewer_than_the_protocols_own(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("faireval")) as server:
        more = {"baseline": "two", "judge_samples": 1}
        await judged(tmp_path, server.base_url, "faireval", ["one", "two"], 4, **more)
        assert server.requests == 8


async def test_a_template_of_ones_own_stands_before_ours(tmp_path: Path) -> None:
    own = tmp_path / "prompts" / "judging"
    own.mkdir(parents=True)
    (own / "mt_bench.j2").write_text("{% if part == 'user' %}Grade this: {{ answers[0][-1] }}{% endif %}")
    asked: list[str] = []

    def behaviour(number: int, body: dict[str, Any]) -> Answer:
        asked.append(body["messages"][0]["content"])
        return reply("Rating: [[5]]")

    async with FaultyServer(behaviour) as server:
        await judged(tmp_path, server.base_url, "mt_bench", ["one"], 2, prompts=tmp_path / "prompts")
    assert all(text.startswith("Grade this: worth") for text in asked)


async def test_how_many_questions_a_difference_would_take_is_said(tmp_path: Path) -> None:
    async with FaultyServer(BiasedJudge("mt_bench")) as server:
        report = await judged(tmp_path, server.base_url, "mt_bench", ["one", "two"], 60)
    (pair,) = report["sections"][0]["comparisons"]
    assert pair["questions_needed"] > 60
