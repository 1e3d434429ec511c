"""The end of `gen evaluate` as a person reads it in a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from gen.text import safe

MOST_STORED = 12


def evaluation_report(report: Mapping[str, Any]) -> str:
    """Ranks and figures by benchmark, what the judge leans to, what is missing, where the rest is."""
    lines: list[str] = []
    for section in report["sections"]:
        lines += _section(section, report["figures"])
    for one in report["compare"]:
        lines.append(f"{one['benchmark']} by {one['protocol']}, {one['questions']:,} questions that all have")
        lines += [_difference(pair, one["unit"]) for pair in one["differences"]]
    for one in report["people"]:
        kappa = one["kappa"]
        lines.append(
            f"people: {one['benchmark']} by {one['protocol']}: {one['raw_agreement']['value']:.1%} of {one['n']:,} "
            f"verdicts agree, kappa {_number(kappa['value'])} {_span(kappa)}"
        )
    lines += report["stored"][:MOST_STORED]
    if len(report["stored"]) > MOST_STORED:
        lines.append(f"... and {len(report['stored']) - MOST_STORED:,} more in report.json (stored)")
    cost = report["meter"].get("cost_usd") if report["meter"] else 0.0
    if report["meter"]:
        lines.append("cost: unknown, since a price or a reply's usage is" if cost is None else f"cost: ${cost:,.4f}")
    lines.append(f"{report['out']}/report.html")
    return safe("\n".join(lines))


def _section(section: Mapping[str, Any], figures: Sequence[Mapping[str, Any]]) -> list[str]:
    place = (section["benchmark"], section["protocol"], section["judge"])
    own = [one for one in figures if (one["benchmark"], one["protocol"], one["judge"]) == place]
    by = f", judged by {section['judge']}" if section["judge"] else ""
    against = f", against {section['against']}" if section["against"] else ""
    lines = [f"{section['benchmark']} by {section['protocol']}{by}{against}"]
    heads = [one for one in own if one["headline"] and one["category"] is None]
    sign = 1 if section["lower_is_better"] else -1
    heads.sort(key=lambda one: sign * (one["value"] or 0.0))
    width = max((len(_who(one, section)) for one in heads), default=0)
    for one in heads:
        ranks = section["ranks"].get(one["system"]) if one["split"] == "all" else None
        rank = "" if not ranks else str(ranks[0]) if ranks[0] == ranks[1] else f"{ranks[0]}-{ranks[1]}"
        bounds = "" if one["worst"] is None else f", between {_number(one['worst'])} and {_number(one['best'])}"
        scored = f"{one['n_scored']:,} of {one['n_asked']:,} scored"
        split = "" if one["split"] == "all" else f" on {one['split']} items"
        lines.append(
            f"  {rank:>5}  {_who(one, section):<{width}}  {section['headline']}{split} {_number(one['value'])} "
            f"{_span(one)} {section['unit']}; {scored}{bounds}"
        )
    lines += [f"         {_plain(one)}" for one in own if not one["headline"] and one["category"] is None]
    lines += [_difference(pair, section["unit"]) for pair in section["comparisons"]]
    lines += [f"         note: {note}" for note in section["notes"]]
    return lines


def _who(one: Mapping[str, Any], section: Mapping[str, Any]) -> str:
    other = one["against"] if one["against"] != section["against"] else None
    return str(one["system"]) if other is None else f"{one['system']} against {other}"


def _plain(one: Mapping[str, Any]) -> str:
    return f"{one['system']}: {one['name']} {_number(one['value'])} {_span(one)} {one['unit']}"


def _difference(pair: Mapping[str, Any], unit: str) -> str:
    p = "" if pair["p_holm"] is None else f", p = {pair['p_holm']:.3g}"
    return f"         {pair['first']} minus {pair['second']}: {_number(pair['value'])} {_span(pair)} {unit}{p}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _span(one: Mapping[str, Any]) -> str:
    if one["low"] is None or one["high"] is None:
        return "(no interval)"
    return f"({_number(one['low'])} to {_number(one['high'])})"
