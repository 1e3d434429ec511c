"""What both pages show of contamination: how much each benchmark leaked, and how much of a leak would be missed."""

from collections.abc import Sequence
from typing import NamedTuple

from filters.pages.shapes import BenchmarkShape, Row, SelfTest

TIERS = ("certain", "certain or candidate")
"""The rows of a self-test that are no rules."""


class MatrixRow(NamedTuple):
    """What one rule or tier found."""

    by: str
    tier: bool
    cells: Sequence[Row | None]
    """By kind of leak."""
    unplanted: Row | None


class Matrix(NamedTuple):
    """A self-test as a table: rules down, kinds of leak across."""

    test: SelfTest
    rows: Sequence[MatrixRow]


class Totals(NamedTuple):
    """All benchmarks together."""

    items: int
    items_hit: int
    certain: int
    candidate: int


def matrix(test: SelfTest) -> Matrix:
    """The self-test's table; rules in the order in which they come first."""
    kinds = [{row.by: row for row in kind.found} for kind in test.kinds]
    unplanted = {row.by: row for row in test.unplanted.found}
    names = dict.fromkeys(name for found in (*kinds, unplanted) for name in found)
    rows = [MatrixRow(name, name in TIERS, [found.get(name) for found in kinds], unplanted.get(name)) for name in names]
    return Matrix(test, rows)


def totals(benchmarks: Sequence[BenchmarkShape]) -> Totals:
    """Sums over the benchmarks."""
    return Totals(
        sum(one.items for one in benchmarks),
        sum(one.items_hit for one in benchmarks),
        sum(one.certain for one in benchmarks),
        sum(one.candidate for one in benchmarks),
    )
