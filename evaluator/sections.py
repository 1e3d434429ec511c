"""From all judgments of one benchmark, protocol and judge to a section of the report."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import permutations

import numpy as np

from evaluator.bias import figure
from evaluator.calls import pairs
from evaluator.protocol import Judge, Pairing
from evaluator.records import Figure, Judgment
from evaluator.scoring import Scoring, between_runs, counted, judged
from evaluator.section import Section, section
from evaluator.stats.arena import Battle, bradley_terry
from evaluator.stats.estimate import Estimate
from evaluator.stats.length import Anchors, Sample, far, lc_fitted, lc_simple
from evaluator.verdicts import preference

Asked = Callable[[str, str | None], tuple[int, int]]
"""Of a system, against another: calls that should be made, and those that cannot be for want of an answer."""
REASONS, MOST_REASON = 2, 160
"""Reasons for missing verdicts that are told, and characters of each."""
LEANING = 0.2
"""A position bias that is told in words."""
WEIGHTED = "alpaca_eval_2"
"""The protocol whose headline is length-controlled."""


class Lengths:
    """What is known for length control."""

    def __init__(self, difficulty: Mapping[str, float] | None = None, anchors: Anchors | None = None) -> None:
        self.difficulty, self.anchors = difficulty, anchors


def judged_section(
    judge: Judge,
    benchmark: str,
    judgments: Sequence[Judgment],
    *,
    systems: Sequence[str],
    baseline: str | None,
    by: str | None,
    asked: Asked | None = None,
    contaminated: frozenset[str] | None = None,
    lengths: Lengths | None = None,
    notes: Sequence[str] = (),
) -> Section:
    """All systems' figures on one benchmark by one protocol and one judge (`by`)."""
    scorings = []
    more_notes = list(notes)
    for system, against in _who(judge, systems, baseline):
        own = [one for one in judgments if _about(one, system, against)]
        wanted, missing = asked(system, against) if asked else (len(own), 0)
        pairing = Pairing(system, against, own)
        scoring = judged(judge, pairing, counted(own, wanted, missing))
        scoring = scoring._replace(more=[*scoring.more, *between_runs(judge, pairing)])
        if judge.name == WEIGHTED:
            scoring, note = _controlled(pairing, scoring, lengths or Lengths())
            more_notes += note
        more_notes += [*_trouble(system, own), *_leaning(scoring)]
        scorings.append(scoring)
    found = section(benchmark, judge, scorings, judge=by, contaminated=contaminated, notes=more_notes)
    return _with_strengths(judge, found, judgments) if judge.shape == "pair" and baseline is None else found


def _who(judge: Judge, systems: Sequence[str], baseline: str | None) -> list[tuple[str, str | None]]:
    if judge.shape != "pair":
        return [(system, None) for system in systems]
    if baseline is not None:
        return [(system, other) for system, other in pairs(systems, baseline)]
    return list(permutations(systems, 2))


def _trouble(system: str, judgments: Sequence[Judgment]) -> list[str]:
    """Why calls have no verdict, the commonest reasons first."""
    reasons = Counter((one.state, (one.detail or "")[:MOST_REASON]) for one in judgments if one.verdict is None)
    return [f"{system}: {n:,} {state}: {why}" for (state, why), n in reasons.most_common(REASONS) if why]


def _leaning(scoring: Scoring) -> list[str]:
    """A judge that looks at the place more than at the answer is pointed out, not only measured."""
    for one in scoring.more:
        if one.name == "position_bias" and one.value is not None and abs(one.value) >= LEANING:
            side = "first" if one.value > 0 else "second"
            return [f"{scoring.system}: the judge leans to the answer shown {side}: position_bias {one.value:.2f}"]
    return []


def _about(one: Judgment, system: str, against: str | None) -> bool:
    return system in one.shown and (against is None or against in one.shown)


def _controlled(pairing: Pairing, scoring: Scoring, lengths: Lengths) -> tuple[Scoring, list[str]]:
    """With the length-controlled rate: AlpacaEval's where difficulties and anchors are known, else the simple one."""
    kept = [one for one in pairing.judgments if len(one.lengths) == 2 and preference(one, pairing.system) is not None]
    hard = lengths.difficulty
    official = lengths.anchors is not None and hard is not None and all(one.item in hard for one in kept)
    if not kept or len({one.cluster for one in kept}) < 10:
        return scoring, []
    mine = [one.shown.index(pairing.system) for one in kept]
    sample = Sample(
        [one.item for one in kept],
        [preference(one, pairing.system) or 0.0 for one in kept],
        [one.lengths[1 - at] for one, at in zip(kept, mine, strict=True)],
        [one.lengths[at] for one, at in zip(kept, mine, strict=True)],
        [hard[one.item] for one in kept] if official and hard is not None else None,
    )
    if official and lengths.anchors is not None:
        name, found = "length_controlled_win_rate", lc_fitted(sample, lengths.anchors)
    else:
        name, found = "lc_simple_win_rate", lc_simple(sample)
    raw = 100 * float(np.mean(sample.preference))
    warn = [
        f"{pairing.system}: raw and length-controlled win rate are far apart ({raw:.1f} and {found.value:.1f} %): "
        "look at the lengths"
    ]
    more = [*scoring.more, figure(pairing, name, "percent", found)]
    return scoring._replace(more=more), warn if far(raw, found.value) else []


def _with_strengths(judge: Judge, found: Section, judgments: Sequence[Judgment]) -> Section:
    """With Bradley-Terry strengths where all met one another. Against one baseline they would be the win rates' odds in
    other clothes."""
    battles = []
    for one in judgments:
        share = preference(one, one.shown[0]) if len(one.shown) == 2 else None
        if share is not None and one.verdict is not None:
            battles.append(Battle(one.cluster, one.shown[0], one.shown[1], share, one.verdict.strength))
    names = {name for battle in battles for name in (battle.first, battle.second)}
    if len(names) < 3 or len({battle.question for battle in battles}) < 3:
        return found
    strengths = bradley_terry(battles)
    more = [_strength(found.benchmark, judge, name, estimate) for name, estimate in strengths.items()]
    ranked = found.ranks or _apart(strengths)
    return found._replace(figures=[*found.figures, *more], ranks=ranked)


def _strength(benchmark: str, judge: Judge, name: str, estimate: Estimate) -> Figure:
    one = figure(
        Pairing(name, None, ()), "bradley_terry", "Elo points", estimate, note="mean 1000; questions drawn anew"
    )
    return one.model_copy(update={"benchmark": benchmark, "protocol": judge.name})


def _apart(strengths: Mapping[str, Estimate]) -> dict[str, tuple[int, int]]:
    """Best and worst rank by intervals: those that overlap may stand either side of one another."""

    def ends(name: str) -> tuple[float, float]:
        one = strengths[name]
        return (one.value if one.low is None else one.low, one.value if one.high is None else one.high)

    found = {}
    for name in strengths:
        low, high = ends(name)
        others = [ends(other) for other in strengths if other != name]
        better = sum(other[0] > high for other in others)
        worse = sum(other[1] < low for other in others)
        found[name] = (1 + better, len(strengths) - worse)
    return found
