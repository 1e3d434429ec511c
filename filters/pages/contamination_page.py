"""The report of `gen contamination` as a page: which items leaked, how surely, and what would have been missed."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from pydantic import JsonValue

from filters.pages.examples import Laid, laid_hit
from filters.pages.leaks import matrix, totals
from filters.pages.rendering import render
from filters.pages.shapes import ContaminationReport, HitShape

SHOWN = 8
"""Hits of each tier and benchmark that the page shows; hits.jsonl has all."""


class Tier(NamedTuple):
    """The hits of one tier on one benchmark."""

    tier: str
    hits: Sequence[Laid]
    total: int


class HitsView(NamedTuple):
    """The hits on one benchmark."""

    benchmark: str
    tiers: Sequence[Tier]


def contamination_page(report: Mapping[str, JsonValue]) -> str:
    """The page of a report.json, whole in one file. Raises pydantic's ValidationError for one of another shape."""
    read = ContaminationReport.model_validate(report)
    return render(
        "contamination.html.j2",
        report=read,
        totals=totals(read.benchmarks),
        matrix=matrix(read.self_test) if read.self_test else None,
        hits=[view for one in read.benchmarks if (view := _hits(one.name, read.hits)).tiers],
        asked=[(name, asked) for name, asked in (("judge", read.judge), ("rephraser", read.rephrase)) if asked],
    )


def _hits(benchmark: str, hits: Sequence[HitShape]) -> HitsView:
    tiers = []
    for tier in ("certain", "candidate"):
        found = [hit for hit in hits if hit.benchmark == benchmark and hit.tier == tier]
        if found:
            tiers.append(Tier(tier, [laid_hit(hit) for hit in islice(found, SHOWN)], len(found)))
    return HitsView(benchmark, tiers)
