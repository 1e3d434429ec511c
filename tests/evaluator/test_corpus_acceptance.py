"""Every row of the acceptance table is measured, held against its bounds, and told with its reason."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from corpora import ANSWER, sample, talk

from dialogue.reading import read
from dialogue.records import Dialogue, Seed
from evaluator.corpus.acceptance import AGAINST, MEASURES, acceptance
from evaluator.corpus.bounds import Row, judged, table
from evaluator.corpus.figure import Figure

ROW = Row.model_validate({"key": "k", "text": "t", "unit": "%", "pass": [45, 70], "alarm": [0, 85]})
OPEN = Row.model_validate({"key": "k", "text": "t", "unit": "share", "pass": [0.65, float("inf")], "worsens": True})
INSIDE = Figure(60, 3000, "%", 58, 62)


def by_key(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in rows}


def test_each_row_is_a_quotient_of_counts_or_has_a_measure_and_none_is_left_over() -> None:
    measured = [row.key for row in table().rows if row.of is None and row.key != AGAINST]
    assert sorted(measured) == sorted(MEASURES)
    keys = [row.key for row in table().rows]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("figure", "dialogues", "verdict", "reason"),
    [
        (INSIDE, 2000, "pass", None),
        (INSIDE, 1999, "not applicable", "within, but of 1,999 dialogues"),
        (replace(INSIDE, high=71), 2000, "between", "the interval reaches beyond"),
        (replace(INSIDE, value=75, low=74, high=76), 2000, "between", None),
        (replace(INSIDE, value=86, low=84, high=88), 50, "alarm", None),
        (replace(INSIDE, value=86, low=84, high=88), 29, "not applicable", "n = 29 dialogues, 30 at least"),
        (replace(INSIDE, value=86, why="too few"), 2000, "not applicable", "too few"),
        (Figure(None, 0, "%", why="no plan in the seeds"), 2000, "not applicable", "no plan in the seeds"),
    ],
)
def test_a_verdict_goes_by_value_interval_and_number(
    figure: Figure, dialogues: int, verdict: str, reason: str | None
) -> None:
    row = judged(ROW, figure, dialogues)
    assert (row["verdict"], row["reason"]) == (verdict, reason)
    assert (row["value"], row["n"], row["pass"], row["alarm"]) == (figure.value, figure.n, [45, 70], [0, 85])


def test_what_more_dialogues_could_only_worsen_alarms_before_there_are_enough() -> None:
    row = OPEN.model_copy(update={"bearable": (0.55, float("inf"))})
    assert judged(row, Figure(0.5, 700, "share", why="n = 700"), 700)["verdict"] == "alarm"
    assert judged(row, Figure(0.6, 700, "share", why="n = 700"), 700)["verdict"] == "not applicable"
    assert judged(OPEN, Figure(0.7, 9, "share"), 2000)["pass"] == [0.65, None], "JSON has no infinity"


def test_the_users_of_ultrachat_are_given_away(shared: Path) -> None:
    dialogues = list(read(shared / "data/dialogues/ultrachat_700.jsonl"))
    rows = by_key(acceptance(sample(dialogues)))
    alarms = {key for key, row in rows.items() if row["verdict"] == "alarm"}
    told = {"follow_ups_distinct", "first_word_entropy", "one_first_word", "length_cv", "questions", "praise"}
    assert told <= alarms
    assert rows["questions"]["value"] == pytest.approx(96, abs=2)
    assert rows["one_first_word"]["value"] == pytest.approx(43, abs=6)
    assert rows["length_cv"]["value"] == pytest.approx(0.35, abs=0.02)
    assert rows["follow_ups_distinct"]["value"] == pytest.approx(0.28, abs=0.03)
    assert rows["user_mtld"]["value"] == pytest.approx(76, abs=4)
    assert rows["tfidf_cosine"]["low"] < 0.048 < rows["tfidf_cosine"]["high"]
    assert rows["copies"]["value"] == 0
    assert rows["questions"]["low"] < rows["questions"]["value"] < rows["questions"]["high"]
    for key in ("repairs", "recalls", "released", "capped", "act_variation", "round_variation", "leaves"):
        assert rows[key]["verdict"] == "not applicable"
        assert "in the seeds" in rows[key]["reason"]


def planned(number: int, rounds: int = 2, **extra: Any) -> Dialogue:
    """A dialogue that was planned for `rounds` and played for two."""
    acts = [{"number": 2, "act": ("deepen", "doubt", "widen", "clarify")[number % 4]}]
    fields = {"acts": acts, "rounds": rounds, "persona": {"traits": {}}, "goal": {"facts": []}} | extra
    seed = Seed.model_validate({"topic": f"topic {number % 5}", "subtopic": f"sub {number % 20}", "extra": fields})
    texts = (f"Question {number} of the sea", ANSWER, f"And number {number % 7}?", ANSWER)
    return talk(*texts, number=number, sector="world-questions", seed=seed, stop="user_stopped")


def test_a_corpus_with_plans_is_held_against_them() -> None:
    rows = by_key(acceptance(sample([planned(number) for number in range(80)])))
    assert rows["repairs"]["value"] == 25
    assert rows["round_variation"]["value"] == 0
    assert 0.2 < rows["act_variation"]["value"] < 0.7, "four acts in equal shares are not the table's"
    assert rows["act_variation"]["verdict"] == "alarm"
    assert rows["leaves"]["value"] == pytest.approx(1)
    assert rows["branches"]["value"] == pytest.approx(1)
    assert rows["capped"]["high"] > 4, "nothing seen in 80 dialogues is no proof"


def test_rounds_that_were_not_played_as_planned_vary_from_the_plan() -> None:
    half = [planned(number, rounds=2 if number % 2 else 5) for number in range(80)]
    assert by_key(acceptance(sample(half)))["round_variation"]["value"] == pytest.approx(0.5)


def test_a_runs_summary_tells_what_was_asked_again_and_given_up() -> None:
    noted = {"length": 3, "thanks_only": 1, "assistant_truncated": 50}
    summary = {"failed": 20, "tally": {"noted": noted}}
    made = sample([planned(number) for number in range(80)], summary=summary, follow_ups=80)
    rows = by_key(acceptance(made))
    assert rows["resampled"]["value"] == 5
    assert rows["dropped"]["value"] == 20
    assert by_key(acceptance(sample([planned(1)] * 40)))["resampled"]["value"] is None


def test_a_sample_shows_only_a_part_of_the_near_copies() -> None:
    made = [planned(number) for number in range(80)]
    row = by_key(acceptance(sample(made, of=160)))["openers_near"]
    assert row["reason"] == "80 of 160 dialogues show only a part of the copies"


def test_short_and_long_answers_are_classes_of_their_own() -> None:
    short = [talk("Why?", ANSWER, "And then, what of it?", ANSWER, number=number) for number in range(40)]
    long = [talk("Why?", ANSWER, "And then, what of it?", ANSWER * 12, number=number) for number in range(40)]
    rows = by_key(acceptance(sample(short + long)))
    assert rows["word_ratio_short"]["value"] > 0.2
    assert rows["word_ratio_long"]["value"] < 0.03
    assert rows["word_ratio_medium"]["value"] is None


@pytest.mark.parametrize("texts", [("Hi",), ("", ""), ("为什么？", "因为。", "谢谢", "不客气"), ("a\u2028b", "c")])
def test_one_odd_dialogue_is_judged_in_no_row(texts: tuple[str, ...]) -> None:
    rows = acceptance(sample([talk(*texts)]))
    assert {row["verdict"] for row in rows} == {"not applicable"}
    assert all(row["reason"] for row in rows)


def test_each_row_is_explained_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs/stats.md").read_text(encoding="utf-8")
    missing = [row.key for row in table().rows if f"`{row.key}`" not in text and not row.key.startswith("word_ratio_")]
    assert missing == []
