"""What a report says that a model needs more of."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.errors import UsageError
from evaluator.needs import DOUBT, LEAST, MOST, Need, Report, needs, read

FILE = Path("scores/report.json")


def figure(category: str | None, value: float | None, clusters: int, **fields: Any) -> dict[str, Any]:
    about = {"system": "pupil", "benchmark": "held", "protocol": "rubric", "judge": "large", "headline": True}
    return {**about, "name": "mean_score", "category": category, "value": value, "clusters": clusters, **fields}


def report(*figures: dict[str, Any], **fields: Any) -> Report:
    section = {"benchmark": "held", "protocol": "rubric", "judge": "large", "unit": "percent", "scale": [0, 100]}
    found = {"figures": list(figures), "sections": [{**section, **fields.pop("section", {})}], **fields}
    return Report(FILE, found)


def two(weak: float, strong: float, items: int, **section: Any) -> Report:
    """A benchmark of two sectors, as many questions of each."""
    parts = [figure("recall", weak, items), figure("creation", strong, items)]
    return report(figure(None, (weak + strong) / 2, 2 * items), *parts, section=section)


def need(found: Report, sector: str, system: str | None = None) -> float:
    return needs(found, [sector, "harmless"], system)[1][sector].need


def test_who_lacks_twice_as_much_as_the_whole_needs_twice_as_much_where_questions_are_many() -> None:
    found = report(figure(None, 80, 100_000), figure("recall", 60, 20_000), figure("creation", 90, 20_000))
    name, asked = needs(found, ["recall", "creation", "harmless"])
    assert name == "pupil"
    assert asked["recall"].need == pytest.approx(2, rel=0.01)
    assert asked["creation"].need == pytest.approx(0.5, rel=0.01)
    assert asked["harmless"] == Need(1.0)
    assert (asked["recall"].items, asked["recall"].lacks, asked["recall"].level) == (20_000, 0.4, pytest.approx(0.2))


def test_a_few_questions_do_not_swing_it() -> None:
    assert need(two(0, 80, 3), "recall") < 1.1
    assert need(two(0, 80, DOUBT), "recall") == pytest.approx(1 + (100 / 60 - 1) / 2)
    assert need(two(0, 80, 2000), "recall") > 1.6


@given(value=st.floats(0, 100), whole=st.floats(0, 100), items=st.integers(1, 10_000), more=st.floats(0, 50))
def test_a_need_is_bounded_and_falls_as_the_score_rises(value: float, whole: float, items: int, more: float) -> None:
    def of(score: float) -> float:
        return need(report(figure(None, whole, items + 1), figure("recall", score, items)), "recall")

    assert LEAST <= of(value) <= MOST
    assert of(min(100, value + more)) <= of(value)
    if value <= whole:
        assert of(value) >= 1 - 1e-9


def test_where_less_is_better_the_high_value_is_the_weak_one() -> None:
    found = two(1.5, 0.9, 400, lower_is_better=True, unit="bits", scale=[0, 8])
    assert need(found, "recall") > 1.1
    assert need(found, "creation") < 0.9


def test_a_scale_may_begin_elsewhere() -> None:
    found = two(4, 7, 1_000_000, unit="points of 10", scale=[1, 10])
    assert need(found, "recall") == pytest.approx((6 / 9) / (4.5 / 9), rel=1e-3)


def test_of_one_sector_alone_the_middle_of_the_scale_stands_for_the_whole() -> None:
    assert need(report(figure(None, 25, 500), figure("recall", 25, 500)), "recall") > 1.4
    assert need(report(figure(None, 90, 500), figure("recall", 90, 500)), "recall") < 0.4
    bits = {"lower_is_better": True, "unit": "bits", "scale": [0, 8]}
    assert need(report(figure(None, 1, 500), figure("recall", 1, 500), section=bits), "recall") == 1


def test_played_dialogues_speak_of_the_sector_that_was_played_and_not_of_its_kinds() -> None:
    figures = [figure(None, 20, 60), figure("recall", 90, 30), figure("telling", 0, 30)]
    found = report(*figures, settings={"play": {"sector": "creation"}})
    asked = needs(found, ["creation", "recall"])[1]
    assert asked["creation"].items == 60
    assert asked["creation"].need > 1
    assert asked["recall"] == Need(1.0)


def test_protocols_on_the_same_questions_are_no_more_questions_and_benchmarks_are() -> None:
    figures = []
    for benchmark, protocol in (("held", "rubric"), ("held", "other"), ("more", "rubric")):
        about = {"benchmark": benchmark, "protocol": protocol}
        figures += [figure(None, 50, 40, **about), figure("recall", 40, 20, **about)]
    found = {
        "figures": figures,
        "sections": [
            {"benchmark": benchmark, "protocol": protocol, "judge": "large", "unit": "percent"}
            for benchmark, protocol in (("held", "rubric"), ("held", "other"), ("more", "rubric"))
        ],
    }
    asked = needs(Report(FILE, found), ["recall"])[1]["recall"]
    assert (asked.items, asked.need) == (40, pytest.approx((40 * 1.2 + DOUBT) / (40 + DOUBT)))


def test_only_headlines_on_all_questions_count() -> None:
    others = [
        figure("recall", 0, 900, headline=False),
        figure("recall", 0, 900, split="contaminated"),
        figure("recall", None, 900),
    ]
    assert need(report(figure(None, 50, 100), figure("recall", 50, 50), *others), "recall") == 1


@pytest.mark.parametrize(
    ("system", "said"),
    [(None, r"several systems \(pupil, teacher\); name one"), ("teachr", "did you mean teacher"), ("x", "there are")],
)
def test_a_report_of_several_systems_wants_a_name(system: str | None, said: str) -> None:
    found = report(figure("recall", 20, 9), figure("recall", 90, 9, system="teacher"))
    with pytest.raises(UsageError, match=said):
        needs(found, ["recall"], system)
    assert need(found, "recall", "teacher") < 1 < need(found, "recall", "pupil")


def test_a_report_that_speaks_of_none_says_what_it_has() -> None:
    with pytest.raises(UsageError, match="nothing of harmless, tool-use; it has creation, recall"):
        needs(two(10, 20, 9), ["harmless", "tool-use"])
    with pytest.raises(UsageError, match="figures of no category"):
        needs(report(figure(None, 10, 9)), ["harmless"])
    with pytest.raises(UsageError, match="no figure of any system"):
        needs(report(), ["harmless"])


def test_a_report_without_a_scale_is_asked_for_again_where_the_unit_does_not_say_it() -> None:
    section = {"unit": "points of 10", "scale": None}
    with pytest.raises(UsageError, match="scale of rubric; give the same `gen evaluate` again"):
        report(figure("recall", 5, 9), section=section)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "no JSON"),
        ("[]", "no report of `gen evaluate`"),
        ('{"read": 3, "kept": 2, "filters": []}', "no report of `gen evaluate`"),
        ('{"figures": [{"value": "x"}], "sections": []}', "no report of `gen evaluate` "),
        (json.dumps({"figures": [figure("recall", 5, 9)], "sections": []}), "no report of `gen evaluate`"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(UsageError, match=said):
        read(tmp_path)
    with pytest.raises(UsageError, match="No such file"):
        read(tmp_path / "nowhere")


def test_the_hash_is_of_what_is_said_and_not_of_when(tmp_path: Path) -> None:
    assert two(1, 2, 3).hash == report(*two_figures(1, 2, 3), created="later", meter={"usd": 3}).hash
    assert two(1, 2, 3).hash != two(1, 2, 4).hash


def two_figures(weak: float, strong: float, items: int) -> list[dict[str, Any]]:
    parts = [figure("recall", weak, items), figure("creation", strong, items)]
    return [figure(None, (weak + strong) / 2, 2 * items), *parts]
