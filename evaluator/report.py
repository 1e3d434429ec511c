"""report.json: every figure with its unit, how many were asked and scored, its interval and its judge."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from evaluator.comparing import Across
from evaluator.evaluate import Outcome
from evaluator.people import Beside
from evaluator.preparing import Prepared
from evaluator.records import Figure
from evaluator.section import Section
from evaluator.stats.compare import Difference
from evaluator.stats.estimate import Estimate

PANEL = (
    *("position_bias", "first_rate", "conflict_rate", "length_bias", "length_slope", "place_bias", "between_run_sd"),
    *("refused_rate", "unparsed_rate"),
)


def report(
    ready: Prepared, outcome: Outcome, asked: Mapping[str, Any], facts: Mapping[str, Any],
    across: Sequence[Across] = (), people: Sequence[Beside] = (),
) -> dict[str, Any]:  # fmt: skip
    """Everything that is known, as JSON."""
    figures = [figure for section in outcome.sections for figure in section.figures]
    return {
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "systems": list(ready.systems) or sorted({figure.system for figure in figures}),
        "benchmarks": [_benchmark(ready, test.bench.name, len(test.items)) for test in ready.tests],
        "sections": [_section(section) for section in outcome.sections],
        "figures": [_figure(section, figure) for section in outcome.sections for figure in section.figures],
        "compare": [_across(one) for one in across],
        "people": [_people(one) for one in people],
        "stored": outcome.stored,
        "meter": outcome.meter,
        "stopped": outcome.stopped,
        "open": outcome.open,
        "settings": asked,
        "facts": facts,
    }


def _benchmark(ready: Prepared, name: str, items: int) -> dict[str, Any]:
    leaked = ready.contaminated.get(name)
    return {"name": name, "items": items, "contaminated": None if leaked is None else len(leaked)}


def _section(one: Section) -> dict[str, Any]:
    return {
        "benchmark": one.benchmark,
        "protocol": one.protocol,
        "headline": one.headline,
        "unit": one.unit,
        "judge": one.judge,
        "against": one.against,
        "lower_is_better": one.lower_is_better,
        "scale": list(one.scale),
        "ranks": {name: list(places) for name, places in one.ranks.items()},
        "comparisons": [difference(pair) for pair in one.comparisons],
        "resolvable_difference": one.resolves,
        "calls": {name: {"asked": of.asked, **of.states} for name, of in one.counts.items()},
        "notes": one.notes,
    }


def _figure(section: Section, one: Figure) -> dict[str, Any]:
    return {**one.model_dump(), "judge": section.judge, "about_judge": one.name in PANEL}


def difference(one: Difference) -> dict[str, Any]:
    """A paired difference as JSON."""
    said = {"first": one.first, "second": one.second, **estimate(one.estimate), "test": one.test}
    tests = {"p": one.p, "p_holm": one.p_holm, "wilcoxon_p": one.wilcoxon_p}
    return {**said, **tests, "questions_needed": one.needed}


def estimate(one: Estimate) -> dict[str, Any]:
    """An estimate as JSON."""
    value = one.value if one.value == one.value else None
    return {"value": value, "low": one.low, "high": one.high, "se": one.se, "n": one.n, "clusters": one.clusters}


def _across(one: Across) -> dict[str, Any]:
    return {**one._asdict(), "differences": [difference(pair) for pair in one.differences]}


def _people(one: Beside) -> dict[str, Any]:
    bare = one.found.without_ties
    return {
        "protocol": one.protocol,
        "benchmark": one.benchmark,
        "n": one.n,
        "unread": one.unread,
        "raw_agreement": estimate(one.found.raw),
        "agreement_without_ties": None if bare is None else estimate(bare),
        "kappa": estimate(one.found.kappa),
    }
