"""Words, topics, coherence, repetition, refusals and languages of a sample, for programs."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from evaluator.corpus.counted import SIDES
from evaluator.corpus.figure import Figure, Sums
from evaluator.corpus.sample import Sample, share
from evaluator.corpus.seen import Varied
from evaluator.corpus.variety import distinct_ngrams
from evaluator.corpus.vectors import coherence, topic

Figures = dict[str, dict[str, Any]]


def lexical(sample: Sample) -> dict[str, Figures]:
    """The measures of the user's turns, of the assistant's, and MTLD of both together."""
    both = Sums()
    for one in sample.seen:
        values = [value for side in SIDES for value in one.varied[side].mtld]
        both.add(sum(values), len(values))
    return {side: _side(sample, side) for side in SIDES} | {"both": {"mtld": both.figure("turns").plain()}}


def _side(sample: Sample, side: str) -> Figures:
    own = [one.varied[side] for one in sample.seen]
    texts = [turn.ids for one in sample.seen for turn in one.turns if turn.role == side]
    turns = np.array([varied.turns for varied in own], np.float64)
    short = turns - [len(varied.mtld) for varied in own]
    return {
        "mtld": _mean(own, "mtld"),
        "hdd_42": _mean(own, "hdd"),
        "mattr_50": _mean(own, "mattr"),
        "skipped": share(sample, short, turns).plain(),
        "distinct_1": distinct_ngrams(texts, 1).plain(),
        "distinct_2": distinct_ngrams(texts, 2).plain(),
    }


def _mean(own: Iterable[Varied], name: str) -> dict[str, Any]:
    """The mean of turns, with the interval over dialogues."""
    sums = Sums()
    for varied in own:
        values: tuple[float, ...] = getattr(varied, name)
        sums.add(sum(values), len(values))
    return sums.figure("turns").plain()


def likeness(sample: Sample) -> dict[str, Figures]:
    """How alike dialogues are, and how much a turn has to do with the one before it."""
    turns = [one.turns for one in sample.seen]
    near = coherence(turns, sample.draws)
    return {
        "topic": {"tfidf_cosine": topic(turns, sample.draws).plain()},
        "coherence": {
            "tfidf_adjacent": near.adjacent.plain(),
            "tfidf_random": near.random.plain(),
            "tfidf_coherence": near.difference.plain(),
        },
    }


def content(sample: Sample) -> Figures:
    """Shares of dialogues that the filters `repetition` and `refusals` would drop, and of turns that only thank.

    Where clients of a field's assistant hold something back, the share of those whom it asks before it advises, and of
    those whom it advises at all.
    """
    every = sample.counts("dialogues")
    due = sample.counts("questions_due")
    names = ("asked_first", "came_to_advice") if due.any() else ()
    consulting = {name: share(sample, sample.counts(name), due).plain() for name in names}
    return {
        "repetition": share(sample, sample.counts("repetition"), every).plain(),
        "refusals": share(sample, sample.counts("refusals"), every).plain(),
        "thanks_only": share(sample, sample.counts("thanks_only"), sample.counts("follow_ups")).plain(),
        **consulting,
    }


def languages(sample: Sample) -> Figures:
    """The share of dialogues of each language, the commonest first."""
    every = sample.counts("dialogues")

    def of(code: str) -> Figure:
        return share(sample, np.array([one.language == code for one in sample.seen], np.float64), every)

    return {code: of(code).plain() for code, _ in Counter(one.language for one in sample.seen).most_common()}
