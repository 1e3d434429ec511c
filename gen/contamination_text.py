"""`gen contamination` as a person reads it in a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from gen.filter_text import refused_report
from gen.text import safe

_ENDS = ("leak", "not_leak", "rephrased", "unreadable", "failed", "open")


def contamination_report(report: Mapping[str, Any]) -> str:
    """A line for each benchmark, what the judge said, what the self-test missed, and where to look."""
    out = report["out"]
    if "benchmarks" not in report:  # interrupted
        return f"{report['answered']:,} questions answered and saved, {report['open']:,} open; the same command goes on"
    lines = [f"read {report['read']:,} dialogues", *_table(report["benchmarks"])]
    for one in report["overlap"]:
        inside, of = safe(str(one["inside"])), safe(str(one["benchmark"]))
        lines.append(f"  {one['items']:,} of {one['of']:,} items of {of} stand in {inside} as well")
    lines += [_asked(role, report[role]) for role in ("judge", "rephrase") if report[role]]
    if report["self_test"]:
        lines.append("self-test:")
        lines += [f"  {kind['line']}" for kind in report["self_test"]["kinds"]]
    if report["refused"]:
        lines += refused_report(report, out)
    return "\n".join([*lines, f"{out}/hits.jsonl", f"{out}/report.html"])


def _table(benchmarks: Sequence[Mapping[str, Any]]) -> list[str]:
    width = max((len(one["name"]) for one in benchmarks), default=0)
    return [f"  {safe(one['name']):<{width}}  {_row(one)}" for one in benchmarks]


def _row(one: Mapping[str, Any]) -> str:
    found = f"{one['items_hit']:>6,} of {one['items']:,} items leaked, into {one['dialogues_hit']:,} dialogues"
    surely = f"{one['certain']:,} certain hits" + (f", {one['judged']:,} by the judge" if one["judged"] else "")
    suspected = f"; {len(one['suspected_items']):,} more suspected" if one["suspected_items"] else ""
    layout = one["layout"] if one["layout"] != one["name"] else ""
    return f"{found} ({surely}){suspected}" + (f"; laid out as {safe(layout)}" if layout else "")


def _asked(role: str, told: Mapping[str, Any]) -> str:
    ends = ", ".join(f"{told[end]:,} {end}" for end in _ENDS if told.get(end))
    cost = told["spent"]["cost_usd"]
    spent = "at an unknown cost" if cost is None else f"for ${cost:,.4f}"
    return f"{role}: {told['questions']:,} questions {spent}" + (f": {ends}" if ends else "")
