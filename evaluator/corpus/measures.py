"""Figures of the acceptance table about lengths, copies and leaks, each under the key of its row."""

from dataclasses import replace
from statistics import median

import numpy as np

from evaluator.corpus.figure import Figure
from evaluator.corpus.openers import near_copies, without_frames
from evaluator.corpus.resampling import Floats, divided
from evaluator.corpus.sample import Sample, fewer, share

SHORT, LONG = 100, 250
"""Mean words of a dialogue's answers up to which they are short, and from which on they are long."""


def length_cv(sample: Sample) -> Figure:
    """Standard deviation of the follow-ups' words by their mean."""
    sizes = sample.sizes
    if not sum(sizes):
        return Figure(None, 0, "ratio", why="no follow-ups")
    powers = np.array([[sum(size**k for size in one.sizes) for k in range(3)] for one in sample.seen], np.float64)

    def cv(weights: Floats) -> Floats:
        count, total, squares = (weights @ powers).T
        mean = divided(total, count)
        return divided(np.sqrt(np.maximum(0, divided(squares, count) - mean**2)), mean)

    value = float(cv(np.ones((1, sample.draws.n)))[0])
    return Figure(value, len(sizes), "ratio", *sample.draws.bootstrap(cv), why=_few(sample))


def length_median(sample: Sample) -> Figure:
    """The median of the follow-ups' words."""
    if not sample.sizes:
        return Figure(None, 0, "words", why="no follow-ups")
    owners = [number for number, one in enumerate(sample.seen) for _ in one.sizes]
    value = float(median(sample.sizes))
    return Figure(value, len(owners), "words", *sample.draws.median(sample.sizes, owners), why=_few(sample))


def _few(sample: Sample) -> str | None:
    return fewer(sum(bool(one.sizes) for one in sample.seen))


def leaks(sample: Sample) -> Figure:
    """Turns in which the machinery shows: one is one too many."""
    turns = sum(len(one.turns) for one in sample.seen)
    return Figure(float(sample.counts("leaks").sum()), turns, "turns")


def openers_exact(sample: Sample) -> Figure:
    """Openers that an earlier dialogue has, counted over the whole corpus."""
    return Figure(100 * sample.repeated_openers / sample.dialogues, sample.dialogues, "%")


def openers_near(sample: Sample) -> Figure:
    """Openers that are nearly an earlier one's; of a sample it shows only a part."""
    bare = without_frames([one.opener for one in sample.seen], [one.material for one in sample.seen])
    found = share(sample, np.array(near_copies(bare), np.float64), np.ones(len(bare)))
    if sample.whole:
        return found
    return replace(found, why=f"{len(bare):,} of {sample.dialogues:,} dialogues show only a part of the copies")


def user_mtld(sample: Sample) -> Figure:
    """The mean over dialogues whose user has 50 words and more."""
    values = np.array([np.nan if one.user_mtld is None else one.user_mtld for one in sample.seen])
    there = ~np.isnan(values)
    if not there.any():
        return Figure(None, 0, "words", why="no user of 50 words and more")
    ends = sample.draws.ratio(np.where(there, values, 0), there)
    return Figure(float(values[there].mean()), int(there.sum()), "words", *ends, why=fewer(int(there.sum())))


def word_ratio(sample: Sample, least: float = 0, most: float = np.inf) -> Figure:
    """The median over dialogues of the user's words by the assistant's, opener and first answer left out.

    `least` and `most` bound the mean words of the answers.
    """
    there = [
        (number, one.ratio)
        for number, one in enumerate(sample.seen)
        if one.ratio is not None and least <= one.answer_words < most
    ]
    if not there:
        return Figure(None, 0, "ratio", why="no dialogue with such answers to follow-ups")
    owners, ratios = zip(*there, strict=True)
    why = fewer(len(there))
    return Figure(float(median(ratios)), len(there), "ratio", *sample.draws.median(ratios, owners), why=why)
