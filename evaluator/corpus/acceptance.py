"""The acceptance table: every row measured and judged."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from evaluator.corpus import beginnings, measures, outcomes
from evaluator.corpus.bounds import Row, judged, table
from evaluator.corpus.figure import Figure
from evaluator.corpus.sample import Sample, share

MEASURES: Mapping[str, Callable[[Sample], Figure]] = {
    "openers_distinct": beginnings.openers_distinct,
    "follow_ups_distinct": beginnings.follow_ups_distinct,
    "openers_top": beginnings.openers_top,
    "follow_ups_top": beginnings.follow_ups_top,
    "first_word_entropy": beginnings.first_word_entropy,
    "one_first_word": beginnings.one_first_word,
    "length_cv": measures.length_cv,
    "length_median": measures.length_median,
    "leaks": measures.leaks,
    "openers_exact": measures.openers_exact,
    "openers_near": measures.openers_near,
    "user_mtld": measures.user_mtld,
    "word_ratio": measures.word_ratio,
    "word_ratio_short": partial(measures.word_ratio, most=measures.SHORT),
    "word_ratio_medium": partial(measures.word_ratio, least=measures.SHORT, most=measures.LONG),
    "word_ratio_long": partial(measures.word_ratio, least=measures.LONG),
    "leaves": outcomes.leaves,
    "branches": outcomes.branches,
    "tfidf_cosine": outcomes.tfidf_cosine,
    "act_variation": outcomes.act_variation,
    "round_variation": outcomes.round_variation,
    "resampled": outcomes.resampled,
    "dropped": outcomes.dropped,
}
"""What is no quotient of two counts."""
AGAINST = "classifier_auc"
_NO_REAL = Figure(None, 0, "AUC", why="--against gives real dialogues")


def acceptance(sample: Sample, classifier: Figure = _NO_REAL) -> list[dict[str, Any]]:
    """All rows, in the order of the table."""
    return [judged(row, _measured(row, sample, classifier), len(sample.seen)) for row in table().rows]


def _measured(row: Row, sample: Sample, classifier: Figure) -> Figure:
    if row.key == AGAINST:
        return classifier
    if row.of is not None:
        above, below = map(sample.counts, row.of)
        return share(sample, above, below, row.unit, row.absent)
    return MEASURES[row.key](sample)
