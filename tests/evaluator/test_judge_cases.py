"""Published evaluations, reproduced from their stored judge replies; and a figure moves with a verdict."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from desk import evaluation, figure

from evaluator.checks.gsm8k import solution_is_correct
from evaluator.judges.alpaca_eval_2 import preference
from evaluator.judges.vicuna_bench import first_line
from evaluator.protocol import Unreadable
from evaluator.stats.agreement import agreement
from evaluator.stats.arena import separability
from evaluator.stats.intervals import mean, percentiles, t
from evaluator.stats.length import Anchors, Sample, Weights, fitted, predicted, rate


@pytest.fixture(scope="module")
def cases(shared: Path) -> Path:
    return shared / "data" / "judge_cases"


def table(path: Path) -> list[dict[str, str]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return list(csv.DictReader(text.splitlines()))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().split("\n") if line]


def published(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


async def test_alpaca_eval_2_win_rates_errors_and_counts_are_the_published_ones(cases: Path, tmp_path: Path) -> None:
    folder = cases / "alpaca_eval"
    report = await evaluation(tmp_path / "out", judgments=(folder / "annotations_ae2.csv.gz",))
    rows = published(folder / "published.json")["ae2_weighted_gpt4_turbo"]
    assert len(rows) == 12
    for system, row in rows.items():
        found = figure(report, "win_rate", system)
        assert found["value"] == pytest.approx(row["win_rate"], abs=1e-6)
        assert found["se"] == pytest.approx(row["standard_error"], abs=1e-6)
        assert found["n_scored"] == row["n_total"]
        assert figure(report, "discrete_win_rate", system)["value"] == pytest.approx(row["discrete_win_rate"], abs=1e-6)


async def test_alpaca_eval_1_win_rates_are_the_published_ones(cases: Path, tmp_path: Path) -> None:
    report = await evaluation(tmp_path / "out", judgments=(cases / "alpaca_eval" / "annotations_ae1.csv.gz",))
    for system, rate_ in {
        "gpt-3.5-turbo-0301": 89.3657,
        "minichat-3b": 48.8184,
        "phi-2": 30.6633,
        "vicuna-13b": 70.4348,
    }.items():
        assert figure(report, "win_rate", system)["value"] == pytest.approx(rate_, abs=1e-4)


async def test_a_changed_verdict_moves_the_win_rate(cases: Path, tmp_path: Path) -> None:
    rows = [row for row in table(cases / "alpaca_eval" / "annotations_ae1.csv.gz") if row["model"] == "phi-2"]
    rows[0]["preference"] = "1.0" if rows[0]["preference"] == "2.0" else "2.0"
    file = tmp_path / "changed.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    report = await evaluation(tmp_path / "out", judgments=(file,))
    moved = figure(report, "win_rate", "phi-2")["value"] - 30.6633
    assert abs(moved) == pytest.approx(100 / len([row for row in rows if row["preference"]]), abs=1e-3)


def test_log_probabilities_give_the_stored_preferences(cases: Path) -> None:
    checked = 0
    for row in table(cases / "alpaca_eval" / "annotations_ae2.csv.gz"):
        logprobs = [(sign, float(row[f"logprob_{sign}"])) for sign in "mM" if row[f"logprob_{sign}"]]
        if logprobs and row["swapped"] in ("0.0", "1.0") and row["preference"]:
            first = preference(logprobs)
            model = first if row["swapped"] == "1.0" else 1 - first
            assert 1 + model == pytest.approx(float(row["preference"]), abs=1e-9)
            checked += 1
    assert checked == 8_822


def length_rows(folder: Path, system: str) -> tuple[Sample, list[float]]:
    """The system's verdicts and the difficulties, which upstream pairs with the row."""
    by_row = [float(row["difficulty"]) for row in table(folder / "instruction_difficulty_recovered.csv")]
    rows = [row for row in table(folder / "annotations_ae2.csv.gz") if row["model"] == system and row["preference"]]
    difficulty = [by_row[int(row["row"])] for row in rows]
    values = [0.5 if float(row["preference"]) == 0 else float(row["preference"]) - 1 for row in rows]
    lengths = [[float(row[name]) for row in rows] for name in ("len_1", "len_2")]
    return Sample([row["row"] for row in rows], values, *lengths, difficulty), difficulty


def anchors(folder: Path) -> Anchors:
    rows = table(folder / "anchor_rows_equivalent.csv.gz")
    columns = [[float(row[name]) for row in rows] for name in ("tanh_std_delta_len", "difficulty", "y_equivalent")]
    return Anchors([row["index"] for row in rows], *columns)


def test_length_controlled_rates_come_out_of_published_and_of_fitted_weights(cases: Path) -> None:
    folder = cases / "alpaca_eval"
    fixed = anchors(folder)
    for system, row in published(folder / "published.json")["ae2_weighted_gpt4_turbo"].items():
        sample, difficulty = length_rows(folder, system)
        n = len(difficulty)
        wanted = row["length_controlled_winrate"]
        close = 1e-4 if n == 805 else 0.01
        assert rate(Weights(*row["glm_weights"]), difficulty, n) == pytest.approx(wanted, abs=close)
        assert rate(fitted(sample, fixed, row["recovered_C"]), difficulty, n) == pytest.approx(wanted, abs=0.02)


def test_each_items_prediction_is_upstreams(cases: Path) -> None:
    folder = cases / "alpaca_eval"
    system = "vicuna-7b-v1.5"
    sample, difficulty = length_rows(folder, system)
    c = published(folder / "published.json")["ae2_weighted_gpt4_turbo"][system]["recovered_C"]
    found = predicted(fitted(sample, anchors(folder), c), difficulty, len(difficulty))
    official = {row["index"]: float(row[system]) for row in table(folder / "official_glm_preference.csv")}
    for row, value in zip(sample.questions, found, strict=True):
        assert value == pytest.approx(official[row], abs=5e-4)


async def test_the_command_gives_the_length_controlled_rate_with_an_interval(cases: Path, tmp_path: Path) -> None:
    folder = cases / "alpaca_eval"
    rows = [row for row in table(folder / "annotations_ae2.csv.gz") if row["model"] == "claude-instant-1.2"]
    file = tmp_path / "one.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    more = {
        "difficulty": folder / "instruction_difficulty_recovered.csv",
        "anchors": folder / "anchor_rows_equivalent.csv.gz",
    }
    report = await evaluation(tmp_path / "out", judgments=(file,), **more)
    found = figure(report, "length_controlled_win_rate", "claude-instant-1.2")
    assert found["value"] == pytest.approx(25.6123, abs=0.02)
    assert found["low"] < 25.6 < found["high"]
    assert any("far apart" in note for note in report["sections"][0]["notes"])


async def test_mt_bench_grades_are_read_as_stored_and_their_means_are_exact(cases: Path, tmp_path: Path) -> None:
    file = cases / "mt_bench" / "mamba_gpt4_single.jsonl.gz"
    report = await evaluation(tmp_path / "out", judgments=(file,))
    assert report["stored"] == [f"{file}: 320 verdicts read anew are the stored ones, 0 are not"]
    for system, (first, second, both) in published(cases / "mt_bench" / "published.json")["published"].items():
        assert figure(report, "mean_score_turn_1", system)["value"] == pytest.approx(first, abs=1e-9)
        assert figure(report, "mean_score_turn_2", system)["value"] == pytest.approx(second, abs=1e-9)
        assert figure(report, "mean_score", system)["value"] == pytest.approx(both, abs=1e-9)


async def test_a_changed_grade_moves_the_mean(cases: Path, tmp_path: Path) -> None:
    rows = lines(cases / "mt_bench" / "mamba_gpt4_single.jsonl.gz")
    rows[0]["judgment"] = "Rating: [[1]]"
    file = tmp_path / "changed.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    report = await evaluation(tmp_path / "out", judgments=(file,))
    moved = (1 - rows[0]["score"]) / 160
    whole = {"mamba_0_5_dpo_ep1": 7.121875, "mamba_0_5_dpo_ep3": 7.3125}[rows[0]["model"]]
    assert figure(report, "mean_score", rows[0]["model"])["value"] == pytest.approx(whole + moved)
    assert "319 verdicts read anew are the stored ones, 1 are not" in report["stored"][0]


async def test_mt_bench_battles_are_read_as_stored(cases: Path, tmp_path: Path) -> None:
    file = cases / "mt_bench" / "phi3_dpo_gpt4_pair.jsonl.gz"
    report = await evaluation(tmp_path / "out", judgments=(file,))
    assert report["stored"] == [f"{file}: 50 verdicts read anew are the stored ones, 0 are not"]
    assert figure(report, "adjusted_win_rate", "phi-3-dpo")["value"] == pytest.approx(48.0)
    shares = [figure(report, name, "phi-3-dpo")["value"] / 4 for name in ("win_share", "loss_share", "tie_share")]
    assert shares == pytest.approx([7, 8, 10])


VICUNA = {
    "gpt-3.5-turbo_review_vicuna-13b-20230322-new-hp-fp16/gpt-3.5-turbo_review_bard_vicuna-13b-20230322-new-hp-fp16": (
        *(609, 669, 71, 0, 1, 10),
    ),
    "vicuna-13b_20230322-clean-lang/review_alpaca-13b_vicuna-13b": (583, 704, 76, 1, 0, 3),
    "vicuna-13b_20230322-new-hp-fp16/review_bard_vicuna-13b:20230322-new-hp-fp16": (661.5, 662, 39, 13, 0, 3),
    "vicuna-7b_20230322-fp16/review_gpt35_vicuna-7b": (688, 604, 12, 16, 0, 3),
}


async def test_vicuna_reviews_sum_to_the_published_totals(cases: Path, tmp_path: Path) -> None:
    file = cases / "vicuna_bench" / "reviews.jsonl.gz"
    report = await evaluation(tmp_path / "out", judgments=(file,), as_stored=True)
    for section in report["sections"]:
        first, second, wins, ties, lost, _ = VICUNA[section["benchmark"]]
        (calls,) = section["calls"].values()
        assert calls.get("unparsed", 0) == lost

        def value(name: str, place: str = section["benchmark"]) -> float:
            return float(figure(report, name, benchmark=place)["value"])

        assert value("total_of_other") == pytest.approx(first)
        assert value("total") == pytest.approx(second)
        assert value("win_share") * calls["parsed"] / 100 == pytest.approx(wins)
        assert value("tie_share") * calls["parsed"] / 100 == pytest.approx(ties)


async def test_first_lines_without_scores_are_unparsed_and_all_others_agree(cases: Path, tmp_path: Path) -> None:
    report = await evaluation(tmp_path / "out", judgments=(cases / "vicuna_bench" / "reviews.jsonl.gz",))
    for section in report["sections"]:
        (calls,) = section["calls"].values()
        assert calls.get("unparsed", 0) == VICUNA[section["benchmark"]][5]
    for row in lines(cases / "vicuna_bench" / "reviews.jsonl.gz"):
        try:
            found = first_line(row["text"])
        except Unreadable:
            continue
        assert list(found) == row["score"]


def test_gpt4_agrees_with_people_as_little_as_fair_eval_found(cases: Path) -> None:
    rows = table(cases / "faireval" / "human_vs_gpt4_single_order.csv")
    names = {-1: "VICUNA13B", 0: "TIE", 1: "CHATGPT"}
    scores = [float(row["gpt4_score_gpt35"]) - float(row["gpt4_score_vicuna"]) for row in rows]
    machine = [names[(score > 0) - (score < 0)] for score in scores]
    found = agreement([row["human"] for row in rows], machine, [row["question_id"] for row in rows])
    assert found.raw.value == pytest.approx(0.375)
    assert found.kappa.value == pytest.approx(0.11190053285968027)
    assert found.kappa.low is not None
    assert found.kappa.low < 0.1119 < (found.kappa.high or 0)


@pytest.mark.parametrize(
    ("file", "overlap", "pairs"),
    [("bootstrap_stats_mt_bench.jsonl.gz", 197, 300), ("bootstrap_stats_20k_votes.jsonl.gz", 59, 190)],
)
def test_arena_hards_intervals_and_separability_come_out(cases: Path, file: str, overlap: int, pairs: int) -> None:
    rows = lines(cases / "arena_hard" / file)
    for row in rows:
        assert percentiles(row["results"]) == pytest.approx((row["lower"], row["upper"]), abs=1e-8)
    apart, whole = separability({row["model"]: (row["lower"], row["upper"]) for row in rows})
    assert (whole - apart, whole) == (overlap, pairs)


def test_length_controlled_predictions_have_the_published_mean_and_interval(cases: Path) -> None:
    bounds = published(cases / "arena_hard" / "published.json")["lc_intervals"]
    for row in lines(cases / "arena_hard" / "alpaca_2.0_lc_results.jsonl.gz"):
        predictions = row["length_controlled_winrate"]
        found = mean(predictions, range(len(predictions))).scaled(100)
        assert found.value == pytest.approx(bounds[row["model"]]["score"], abs=1e-6)
        plain = t(predictions).scaled(100)
        assert plain.low == pytest.approx(bounds[row["model"]]["lower"], abs=0.3)
        assert plain.high == pytest.approx(bounds[row["model"]]["upper"], abs=0.3)


def test_gsm8k_solutions_are_right_where_openai_says_so(cases: Path) -> None:
    rows = lines(cases / "gsm8k" / "openai_example_model_solutions.jsonl.gz")
    for system, wanted in published(cases / "gsm8k" / "published.json")["recomputed_correct"].items():
        verdicts = [solution_is_correct(row[system]["solution"], row["gold"]) for row in rows]
        assert verdicts == [row[system]["is_correct"] for row in rows]
        assert sum(verdicts) == wanted
