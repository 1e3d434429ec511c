"""Contamination: what is dropped, what is noted, and to which item it is attributed."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from toys import lines, talk, write

from dialogue.errors import UsageError
from filters.contamination import Contamination
from filters.engine.base import Drop
from filters.engine.settings import FilterSettings
from filters.engine.walk import filtered
from filters.leaks.benchmark import load, load_all
from filters.leaks.index import Index
from filters.leaks.overlap import overlap
from filters.leaks.scan import scan

NAMES = ("Amara", "Bertil", "Chidi", "Dagny", "Emeka", "Freya", "Gaston", "Hedda")
GOODS = ("lanterns", "kettles", "saddles", "mirrors", "anvils", "tapestries", "compasses", "barrels")


def question(n: int) -> str:
    return (
        f"{NAMES[n]} sells {GOODS[n]} at the harbour for {n + 3} florins each, and every seventh buyer haggles the "
        f"price down by half. How many florins has {NAMES[n]} earned after {10 * n + 20} buyers?"
    )


def benchmark(folder: Path, questions: list[str], name: str = "market") -> str:
    rows = ({"question": text, "answer": f"It is {number}."} for number, text in enumerate(questions))
    (folder / f"{name}.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    (folder / f"{name}.toml").write_text(f'name = "{name}"\npath = "{name}.jsonl"\nquestion = "question"\n')
    return str(folder / f"{name}.toml")


@pytest.fixture
def market(tmp_path: Path) -> str:
    return benchmark(tmp_path, [question(n) for n in range(8)])


@pytest.mark.parametrize(
    "said",
    [
        "Please solve this: {0}",
        "{0} Thanks!",
        "  {1}",
        "Look:\n\n> {0}\n\nWell?",
        "\u2028{0} 😀",
    ],
)
def test_an_item_word_for_word_is_dropped_whoever_says_it(market: str, said: str) -> None:
    leak = said.format(question(3), question(3).upper().replace(",", " ;"))
    for dialogue in (talk(leak, "Gladly."), talk("Give me a task.", leak)):
        outcome = Contamination(benchmarks=(market,)).apply(dialogue)
        assert isinstance(outcome, Drop)
        evidence: dict[str, Any] = outcome.evidence
        assert (evidence["benchmark"], evidence["item"], evidence["tier"]) == ("market", "3", "certain")
        start, end = evidence["span"]
        shown = dialogue.messages[evidence["message"]].content[start:end]
        assert shown.lower().startswith("dagny sells mirrors")
        assert shown.lower().rstrip("?").endswith("buyers")


def test_other_talk_is_kept_and_an_unlike_market_is_no_leak(market: str) -> None:
    for said in ("How do tides work?", "Somebody sells lamps in a shop, how does haggling work there?", "", "?!"):
        dialogue = talk(said, "Let us see what can be said about that, one thing after the other.")
        assert Contamination(benchmarks=(market,)).apply(dialogue) is dialogue


def test_half_reworded_items_are_noted_and_a_judge_s_word_drops_them(market: str, tmp_path: Path) -> None:
    reworded = (
        "At the harbour a trader called Freya has tapestries, 8 florins for one; half price goes to each seventh "
        "haggling buyer. Buyers being 70, how many florins has Freya earned?"
    )
    source = write(
        tmp_path / "in.jsonl", [talk(reworded, "Let me see.", id="near"), talk("Hello there", "Hi", id="far")]
    )
    table: dict[str, Any] = {"use": "contamination", "benchmarks": [market], "plants": 0}
    filtered(FilterSettings(inputs=(source,), out=tmp_path / "out", filters=(table,)))
    (note,) = lines(tmp_path / "out/notes.jsonl")
    assert (note["id"], note["item"], note["tier"]) == ("near", "5", "candidate")
    hits = tmp_path / "hits.jsonl"
    for verdict, kept in (("not_leak", 2), ("leak", 1)):
        hits.write_bytes(orjson.dumps({**note, "verdict": verdict}))
        report = filtered(
            FilterSettings(inputs=(source,), out=tmp_path / "out", filters=({**table, "judged": str(hits)},))
        )
        assert report["kept"] == kept


def test_a_template_is_no_leak_and_the_item_named_is_the_best(tmp_path: Path) -> None:
    frame = "Answer the following question as briefly as you can and give no reasons at all for what you say: "
    things = (
        "why copper turns green",
        "who dug the canal of Corinth",
        "how deep lake Baikal is",
        "when glass was first blown",
    )
    more = ("what a quorum is", "where the river Lena ends")
    at = benchmark(tmp_path, [frame + thing for thing in (*things, *more)])
    asked = Contamination(benchmarks=(at,))
    other = talk(frame + "which way bees dance", "In eights.")
    assert asked.apply(other) is other
    outcome = asked.apply(talk(frame + "who dug the canal of Corinth", "Engineers."))
    assert isinstance(outcome, Drop)
    assert outcome.evidence["item"] == "1"


def test_a_question_in_five_benchmarks_is_no_template(tmp_path: Path) -> None:
    specs = tuple(benchmark(tmp_path, [question(n)], f"set{copy}") for copy in range(5) for n in (2,))
    index = Index(load_all(specs))
    (hits,) = scan(index, [talk(question(2), "Well.")])
    assert {hit.benchmark for hit in hits if hit.tier == "certain"} == {f"set{copy}" for copy in range(5)}


def test_chinese_items_are_found_and_chinese_talk_is_kept(tmp_path: Path) -> None:
    at = benchmark(tmp_path, ["请解释植物的光合作用以及它为什么对地球上的生命如此重要", "李白是什么朝代的诗人"])
    asked = Contamination(benchmarks=(at,))
    assert isinstance(
        asked.apply(talk("老师问：请解释植物的光合作用以及它为什么对地球上的生命如此重要。", "好的。")), Drop
    )
    other = talk("请解释潮汐的成因以及它为什么每天晚一点出现", "月亮的引力使海水上升，因此每天有两次涨潮。")
    assert asked.apply(other) is other


def test_verdicts_change_with_the_benchmark_s_content(market: str) -> None:
    before = Contamination(benchmarks=(market,)).fingerprint()
    path = Path(market).with_suffix(".jsonl")
    path.write_bytes(path.read_bytes() + orjson.dumps({"question": question(0) + " Really?", "answer": "1"}))
    assert Contamination(benchmarks=(market,)).fingerprint() != before


def test_items_inside_another_benchmark_are_told(tmp_path: Path) -> None:
    small = benchmark(tmp_path, [question(n) for n in (1, 4)], "small")
    large = benchmark(tmp_path, [question(n) for n in range(8)], "large")
    benchmarks = load_all((small, large))
    found = {(row["benchmark"], row["inside"]): row for row in overlap(benchmarks, Index(benchmarks))}
    assert (found["small", "large"]["items"], found["small", "large"]["of"]) == (2, 2)
    assert found["large", "small"]["examples"] == ["1", "4"]


def test_all_vicuna_prompts_sit_inside_alpaca_eval(shared: Path) -> None:
    at = shared / "data/benchmarks"
    benchmarks = load_all((f"vicuna={at / 'vicuna_bench.jsonl'}", f"alpaca_eval={at / 'alpaca_eval_prompts.jsonl'}"))
    rows = {row["benchmark"]: row for row in overlap(benchmarks, Index(benchmarks))}
    assert (rows["vicuna"]["items"], rows["vicuna"]["of"]) == (80, 80)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b'{"text": "x"}\n', "text"),
        (b'{"question": "a b c"\n{"question": "d"}\n', "not JSON"),
    ],
)
def test_an_unusable_file_is_refused_with_its_name(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"odd\.jsonl") as caught:
        load(str(path))
    assert says in str(caught.value)
    with pytest.raises(UsageError, match="absent"):
        load(str(tmp_path / "absent.jsonl"))


@pytest.mark.parametrize(
    ("file", "items"),
    [
        ("gsm8k_test.jsonl", 1319), ("human_eval.jsonl", 164), ("mbpp_sanitized.json", 427), ("truthfulqa.csv", 817),
        ("ifeval_prompts.jsonl", 541), ("mt_bench.jsonl", 80), ("arena_hard_v0.1.jsonl", 500), ("ultra_eval.json", 385),
        ("wizardlm_testset.jsonl", 218), ("alpaca_eval_prompts.jsonl", 805), ("belle/eval_set.json", 1000),
        ("dreamergpt", 80),
    ],
)  # fmt: skip
def test_published_files_are_recognised_by_their_fields(shared: Path, file: str, items: int) -> None:
    assert len(load(str(shared / "data/benchmarks" / file)).items) == items
