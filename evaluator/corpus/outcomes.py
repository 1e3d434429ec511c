"""Figures of the acceptance table that hold a corpus against its plan: topics, acts, rounds, and what the run says."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from evaluator.corpus import variety
from evaluator.corpus.beginnings import Things, varied
from evaluator.corpus.figure import Figure
from evaluator.corpus.planned import expected, law_of
from evaluator.corpus.resampling import Floats, divided
from evaluator.corpus.sample import Sample, fewer
from evaluator.corpus.seen import Seen
from evaluator.corpus.vectors import topic

Tallies = Sequence[Mapping[Hashable, float]]
"""What each dialogue has of each kind."""


def leaves(sample: Sample) -> Figure:
    """How evenly the dialogues lie on their leaves, which are topic and subtopic."""
    return _even(sample, [one.leaf for one in sample.seen], variety.evenness, "topic")


def branches(sample: Sample) -> Figure:
    """How evenly those with a subtopic lie on their topics; the plan is that all are equally frequent."""
    return _even(sample, [one.branch for one in sample.seen], variety.flatness, "subtopic")


def _even(sample: Sample, named: Sequence[str | None], measure: Any, what: str) -> Figure:
    things: Things = [(name,) if name else () for name in named]
    found = varied(sample, things, measure, "ratio", 1)
    if found.value is None:
        return Figure(None, found.n, "ratio", why=f"no two of a {what} in the seeds")
    return found


def tfidf_cosine(sample: Sample) -> Figure:
    """The mean cosine of two dialogues; only English is like the corpus that the bound was measured on."""
    english = sum(one.language == "en" for one in sample.seen) / len(sample.seen)
    found = topic([one.turns for one in sample.seen], sample.draws)
    if found.why is None and english < 0.9:
        return Figure(found.value, found.n, found.unit, found.low, found.high, why="the bound is of English dialogues")
    return found


def act_variation(sample: Sample) -> Figure:
    """Total variation between the acts and the shares they were drawn by, of the sector where it is greatest."""
    sectors: defaultdict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(sample.seen):
        if one.plan is not None and one.plan.acts and one.sector is not None and law_of(one.sector) is not None:
            sectors[one.sector].append(number)
    figures = [_acts_of(sample, numbers) for numbers in sectors.values()]
    judged = [figure for figure in figures if figure.why is None] or figures
    if not judged:
        return Figure(None, 0, "share", why="no plan in the seeds, or of no sector that is known here")
    return max(judged, key=lambda figure: figure.value or 0.0)


def _acts_of(sample: Sample, numbers: Sequence[int]) -> Figure:
    drawn: list[Mapping[Hashable, float]] = [{} for _ in sample.seen]
    wanted: list[Mapping[Hashable, float]] = [{} for _ in sample.seen]
    for number in numbers:
        drawn[number], wanted[number] = _acts(sample.seen[number])
    return _variation(sample, drawn, wanted)


def _acts(one: Seen) -> tuple[Mapping[Hashable, float], Mapping[Hashable, float]]:
    """A dialogue's acts, and what was to be expected of them."""
    law = law_of(one.sector)
    assert law is not None
    assert one.plan is not None
    sums: defaultdict[Hashable, float] = defaultdict(float)
    for number, _ in one.plan.acts:
        for act, weight in expected(law, number, one.plan.traits).items():
            sums[act] += weight
    return Counter(act for _, act in one.plan.acts), sums


def round_variation(sample: Sample) -> Figure:
    """Total variation between the rounds that were played and those that were planned."""
    pairs = [(one.rounds, one.plan.rounds if one.plan else None) for one in sample.seen]
    played: Tallies = [{} if planned is None else {rounds: 1.0} for rounds, planned in pairs]
    wanted: Tallies = [{} if planned is None else {planned: 1.0} for _, planned in pairs]
    if not any(wanted):
        return Figure(None, 0, "share", why="no planned rounds in the seeds")
    return _variation(sample, played, wanted)


def _variation(sample: Sample, drawn: Tallies, wanted: Tallies) -> Figure:
    """Half the sum of differences between two distributions."""
    kinds = list(dict.fromkeys(kind for one in (*drawn, *wanted) for kind in one))
    have, should = (np.array([[one.get(kind, 0.0) for kind in kinds] for one in side]) for side in (drawn, wanted))

    def variation(weights: Floats) -> Floats:
        found, plan = weights @ have, weights @ should
        shares = [divided(side, np.broadcast_to(side.sum(axis=1, keepdims=True), side.shape)) for side in (found, plan)]
        half: Floats = np.abs(shares[0] - shares[1]).sum(axis=1) / 2
        return half

    value = float(variation(np.ones((1, sample.draws.n)))[0])
    ends = sample.draws.bootstrap(variation)
    return Figure(value, int(have.sum()), "share", *ends, why=fewer(sum(map(bool, drawn))))


def resampled(sample: Sample) -> Figure:
    """Askings again by the run's summary, by the follow-ups there are; flags on answers are no second request."""
    if sample.summary is None:
        return Figure(None, 0, "%", why=_NO_SUMMARY)
    noted = sample.summary.get("tally", {}).get("noted", {})
    again = sum(times for name, times in noted.items() if not name.startswith("assistant_"))
    if not sample.follow_ups:
        return Figure(None, 0, "%", why="no follow-ups")
    return Figure(100 * again / sample.follow_ups, sample.follow_ups, "%")


def dropped(sample: Sample) -> Figure:
    """Dialogues that failed, by the run's summary."""
    if sample.summary is None:
        return Figure(None, 0, "%", why=_NO_SUMMARY)
    lost = int(sample.summary.get("failed", 0))
    return Figure(100 * lost / (lost + sample.dialogues), lost + sample.dialogues, "%")


_NO_SUMMARY = "no summary.json of a whole run beside the dialogues"
