"""The report of `gen filter` as a page: what was kept, what each filter dropped and why, what other limits would do."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from filters.pages.examples import Laid, laid, laid_edit
from filters.pages.leaks import Matrix, matrix
from filters.pages.rendering import render
from filters.pages.shapes import FilterReport, FilterShape, Leaks, Near, Sized


class FilterView(NamedTuple):
    """One filter's section."""

    filter: FilterShape
    near: Near | None
    leaks: Leaks | None
    matrix: Matrix | None
    clusters: Sequence[tuple[int, int]]
    details: Mapping[str, JsonValue]
    """What the page has no drawing for."""
    examples: Sequence[Laid]
    edits: Sequence[Laid]


def filter_page(report: Mapping[str, JsonValue]) -> str:
    """The page of a report.json, whole in one file. Raises pydantic's ValidationError for one of another shape."""
    read = FilterReport.model_validate(report)
    return render("filter.html.j2", report=read, views=[_view(one) for one in read.filters])


def _view(one: FilterShape) -> FilterView:
    details = one.details
    near = Near.model_validate(details) if {"threshold", "jaccard"} <= details.keys() else None
    leaks = Leaks.model_validate(details) if "benchmarks" in details else None
    drawn = Near.model_fields if near else Leaks.model_fields if leaks else Sized.model_fields
    return FilterView(
        filter=one,
        near=near,
        leaks=leaks,
        matrix=matrix(leaks.self_test) if leaks and leaks.self_test else None,
        clusters=Sized.model_validate(details).clusters,
        details={key: value for key, value in details.items() if key not in drawn},
        examples=[laid(example) for example in one.examples],
        edits=[laid_edit(edit) for edit in one.edits],
    )
