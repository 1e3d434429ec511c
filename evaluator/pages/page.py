"""The page of an evaluation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from evaluator.pages import view
from evaluator.pages.items import Shown, Texts, shown
from evaluator.pages.view import Table
from evaluator.records import Judgment
from filters.pages.rendering import render

HOME = Path(__file__).parent
STATES = ("parsed", "unparsed", "refused", "call_failed", "unanswered", "open")


class Part(NamedTuple):
    """What is shown of a section."""

    section: Mapping[str, Any]
    ranking: Table
    bounded: bool
    resolves: str
    differences: Table
    contamination: Sequence[Table]
    categories: Sequence[Table]
    more: Sequence[Table]
    leanings: Sequence[Table]
    items: Sequence[Shown]
    total: int


def page(
    report: Mapping[str, Any],
    judgments: Sequence[Judgment],
    texts: Texts,
) -> str:
    """The report as HTML."""
    sections = [_part(one, report["figures"], judgments, texts) for one in report["sections"]]
    calls = sum(of["asked"] for one in report["sections"] for of in one["calls"].values())
    parsed = sum(of.get("parsed", 0) for one in report["sections"] for of in one["calls"].values())
    totals = [("Systems", str(len(report["systems"]))), ("Scored", f"{parsed:,} of {calls:,}")]
    if report["open"]:
        totals.append(("Still open", f"{report['open']:,}"))
    across = [{**one, "table": view.differences(one["differences"])} for one in report["compare"]]
    people = [{**one, **_told(one)} for one in report["people"]]
    return render(
        "report.html.j2", home=HOME, report=report, sections=sections, totals=totals, states=STATES, across=across,
        people=people,
    )  # fmt: skip


def _told(one: Mapping[str, Any]) -> dict[str, str]:
    def said(found: Mapping[str, Any] | None) -> str:
        return "–" if found is None else f"{view.number(found['value'])} ({view.span(found['low'], found['high'])})"

    return {
        "raw": said(one["raw_agreement"]),
        "bare": said(one["agreement_without_ties"]),
        "kappa": said(one["kappa"]),
    }


def _part(
    section: Mapping[str, Any],
    figures: Sequence[Mapping[str, Any]],
    judgments: Sequence[Judgment],
    texts: Texts,
) -> Part:
    place = (section["benchmark"], section["protocol"], section["judge"])
    own = [one for one in figures if (one["benchmark"], one["protocol"], one["judge"]) == place]
    rows = [
        one
        for one in judgments
        if (one.benchmark, one.protocol) == place[:2] and (one.judge or "unknown") == (place[2] or "unknown")
    ]
    singles, total = shown(rows, texts)
    ranking = view.ranking(section, own)
    return Part(
        section,
        ranking,
        any(row.bounds for row in ranking.rows),
        view.number(section["resolvable_difference"]),
        view.differences(section["comparisons"]),
        view.contamination(section, own),
        view.categories(section, own),
        view.others(own, about_judge=False),
        view.others(own, about_judge=True),
        singles,
        total,
    )
