"""What the page shows of a report: tables made ready, so that the templates only write them down."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from evaluator.pages.intervals import Axis, axis, interval
from filters.pages.wording import spoken

MOST_CATEGORIES = 60


class Row(NamedTuple):
    """One figure in a table."""

    label: str
    more: str
    value: str
    span: str
    chart: Markup
    n: str
    rank: str = ""
    bounds: str = ""
    note: str = ""


class Table(NamedTuple):
    """A heading and its rows."""

    title: str
    rows: Sequence[Row]
    legend: str = ""


def number(value: float | None) -> str:
    """Three significant digits or two places, whichever is more."""
    if value is None:
        return "–"
    return f"{value:,.2f}" if abs(value) >= 1 or value == 0 else f"{value:.3g}"


def span(low: float | None, high: float | None) -> str:
    """The interval in brackets."""
    return "no interval" if low is None or high is None else f"{number(low)} to {number(high)}"


def ranking(section: Mapping[str, Any], figures: Sequence[Mapping[str, Any]]) -> Table:
    """Systems by the headline, best first; those that no test parts from one another share their ranks."""
    heads = [one for one in figures if one["headline"] and one["category"] is None and one["split"] == "all"]
    sign = 1 if section["lower_is_better"] else -1
    heads.sort(key=lambda one: sign * one["value"] if one["value"] is not None else float("inf"))
    on = axis([one[end] for one in heads for end in ("value", "low", "high")])
    return Table(
        f"{spoken(section['headline'])}, {section['unit']}", [_row(one, on, _rank(section, one)) for one in heads]
    )


def _rank(section: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    places = section["ranks"].get(one["system"])
    if not places:
        return ""
    return str(places[0]) if places[0] == places[1] else f"{places[0]}–{places[1]}"


def _row(one: Mapping[str, Any], on: Axis, rank: str = "", label: str | None = None) -> Row:
    who = one["system"] if one["against"] is None else f"{one['system']} against {one['against']}"
    said = f"{who}: {number(one['value'])}, 95 % interval {span(one['low'], one['high'])}"
    bounds = "" if one.get("worst") is None else f"{number(one['worst'])} to {number(one['best'])}"
    questions = one["clusters"]
    return Row(
        label if label is not None else who,
        f"{questions:,} questions" if questions != one["n_scored"] else "",
        number(one["value"]),
        span(one["low"], one["high"]),
        interval(one["value"], one["low"], one["high"], on, said),
        f"{one['n_scored']:,} of {one['n_asked']:,}",
        rank,
        bounds,
        one["note"] or "",
    )


def categories(section: Mapping[str, Any], figures: Sequence[Mapping[str, Any]]) -> list[Table]:
    """A table for each system, a row a category."""
    found = []
    for system in dict.fromkeys((one["system"], one["against"]) for one in figures):
        own = [
            one for one in figures
            if one["headline"] and one["category"] is not None and (one["system"], one["against"]) == system
        ][:MOST_CATEGORIES]  # fmt: skip
        if len(own) > 1:
            on = axis([one[end] for one in own for end in ("value", "low", "high")])
            title = system[0] if system[1] is None else f"{system[0]} against {system[1]}"
            found.append(Table(title, [_row(one, on, label=one["category"]) for one in own]))
    return found


def others(figures: Sequence[Mapping[str, Any]], *, about_judge: bool) -> list[Table]:
    """The figures beside the headline, a table a name."""
    wanted = [
        one for one in figures
        if not one["headline"] and one["about_judge"] is about_judge and one["category"] is None
        and not one["name"].endswith("_gap")
    ]  # fmt: skip
    found = []
    for name, unit in dict.fromkeys((one["name"], one["unit"]) for one in wanted):
        own = [one for one in wanted if one["name"] == name]
        on = axis([one[end] for one in own for end in ("value", "low", "high")], zero=about_judge)
        notes = dict.fromkeys(one["note"] for one in own if one["note"])
        found.append(
            Table(f"{spoken(name)}, {unit}", [_row(one, on)._replace(note="") for one in own], "; ".join(notes))
        )
    return found


def contamination(section: Mapping[str, Any], figures: Sequence[Mapping[str, Any]]) -> list[Table]:
    """Scores on all, clean and contaminated items, and the gap."""
    found = []
    for system in dict.fromkeys(one["system"] for one in figures if one["split"] != "all"):
        own = [
            one for one in figures
            if one["system"] == system and one["headline"] and one["category"] is None
        ]  # fmt: skip
        gaps = [one for one in figures if one["system"] == system and one["name"].endswith("_gap")]
        on = axis([one[end] for one in own for end in ("value", "low", "high")])
        apart = axis([one[end] for one in gaps for end in ("value", "low", "high")], zero=True)
        rows = [_row(one, on, label=f"{one['split']} items") for one in own]
        rows += [_row(one, apart, label="contaminated minus clean") for one in gaps]
        found.append(Table(system, rows))
    return found


def differences(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Every pair of systems, the paired difference and what a test says of it."""
    on = axis([one[end] for one in rows for end in ("value", "low", "high")], zero=True)
    made = []
    for one in rows:
        label = f"{one['first']} minus {one['second']}"
        said = f"{label}: {number(one['value'])}, 95 % interval {span(one['low'], one['high'])}"
        p = "nothing to test" if one["p"] is None else f"{one['test']}, p = {one['p']:.3g}"
        holm = "" if one["p_holm"] is None else f"p after Holm = {one['p_holm']:.3g}"
        chart = interval(one["value"], one["low"], one["high"], on, said)
        spanned = span(one["low"], one["high"])
        made.append(
            Row(label, "", number(one["value"]), spanned, chart, f"{one['n']:,}", note=f"{p}; {holm}".strip("; "))
        )
    return Table("Paired differences", made)
