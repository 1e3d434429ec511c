"""What tells simulated users from people, measured on finished dialogues without a model, with the bounds of a pass.

A share is one of follow-ups, all messages of the user but the first, in per cent, unless its name says otherwise. Its
interval is a bootstrap's over dialogues; a measure passes when the whole interval lies within its bounds.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, median, pstdev
from typing import Any

from bench.pairs import near_pairs
from bench.seen import Seen, words

SAMPLES = 200
REPAIRS = frozenset({"correct", "doubt", "rephrase"})

Measure = Callable[[Sequence[Seen]], float]
Bounds = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure, the bounds within which it passes, and those beyond which it alarms."""

    name: str
    measure: Measure
    good: Bounds
    bearable: Bounds
    sampled: bool = True
    """Whether a bootstrap sample, which holds dialogues twice, may be measured: not where likeness is counted."""

    def row(self, found: Sequence[Seen]) -> str:
        """Name, value, interval, bounds and verdict, as a row of a table."""
        value = self.measure(found)
        low, high = interval(self.measure, found) if self.sampled else (value, value)
        shown = f"{low:.2f}-{high:.2f}" if self.sampled else ""
        return f"| {self.name} | {value:.2f} | {shown} | {_range(self.good)} | {self.verdict(value, low, high)} |"

    def verdict(self, value: float, low: float, high: float) -> str:
        """What is to be thought of it."""
        if not self.bearable[0] <= value <= self.bearable[1]:
            return "ALARM"
        if not self.good[0] <= value <= self.good[1]:
            return "outside"
        return "pass" if self.good[0] <= low and high <= self.good[1] else "pass, interval beyond"


def interval(measure: Measure, found: Sequence[Seen]) -> tuple[float, float]:
    """The middle 95 % of the measure over samples of dialogues, drawn with replacement."""
    chance = random.Random(1)
    values = sorted(measure(chance.choices(found, k=len(found))) for _ in range(SAMPLES))
    return values[round(0.025 * SAMPLES)], values[round(0.975 * SAMPLES) - 1]


def _range(bounds: Bounds) -> str:
    low, high = bounds
    if low == high:
        return f"{low:g}"
    if high == math.inf:
        return f">= {low:g}"
    return f"<= {high:g}" if low == 0 else f"{low:g}-{high:g}"


def _openers(found: Sequence[Seen]) -> list[tuple[str, ...]]:
    return [tuple(words(one.opener)) for one in found]


def _follow_ups(found: Sequence[Seen]) -> list[tuple[str, ...]]:
    return [text for one in found for text in one.follow_ups if text]


def _starts(texts: Sequence[tuple[str, ...]], count: int, most: int) -> list[tuple[str, ...]]:
    """The first words of at most so many texts: measures of variety fall with the size of the sample."""
    starts = [text[:count] for text in texts]
    return random.Random(1).sample(starts, min(most, len(starts)))


def _distinct(texts: Sequence[tuple[str, ...]]) -> float:
    starts = _starts(texts, 3, 1000)
    return len(set(starts)) / len(starts)


def _top(texts: Sequence[tuple[str, ...]]) -> float:
    counts = Counter(text[:3] for text in texts)
    return 100 * counts.most_common(1)[0][1] / len(texts)


def _entropy(items: Sequence[Any]) -> float:
    shares = [times / len(items) for times in Counter(items).values()]
    return -sum(share * math.log2(share) for share in shares)


def _one_first_word(found: Sequence[Seen]) -> float:
    several = [{text[0] for text in one.follow_ups if text} for one in found if len(one.follow_ups) > 1]
    return 100 * mean(len(firsts) == 1 for firsts in several)


def _cv(found: Sequence[Seen]) -> float:
    sizes = [len(text) for text in _follow_ups(found)]
    return pstdev(sizes) / mean(sizes)


def _of_turns(counted: Callable[[Seen], int]) -> Measure:
    return lambda found: 100 * sum(map(counted, found)) / sum(len(one.follow_ups) for one in found)


def _fired(*names: str) -> Measure:
    return _of_turns(lambda one: sum(one.faults[name] for name in names))


def _of_dialogues(true: Callable[[Seen], bool], least: int = 1) -> Measure:
    return lambda found: 100 * mean(true(one) for one in found if one.rounds >= least)


def _same(found: Sequence[Seen]) -> float:
    return 100 * (1 - len({one.opener for one in found}) / len(found))


def _alike(threshold: float) -> Measure:
    def share(found: Sequence[Seen]) -> float:
        later = {place for _, place in near_pairs([one.opener for one in found], threshold, 3)}
        return 100 * len(later) / len(found)

    return share


def _released(found: Sequence[Seen]) -> float:
    return 100 * sum(one.released for one in found) / max(1, sum(one.held for one in found))


_ANY = math.inf
_ROLES = _fired("assistant_start", "help_desk", "shape")
_MARKERS = _fired("template_token", "role_marker", "think_tag", "sentinel")

FIGURES = (
    Figure(
        "openers: distinct first three words, n = 1,000", lambda f: _distinct(_openers(f)), (0.65, 1), (0.55, 1), False
    ),
    Figure("openers: commonest first three words", lambda f: _top(_openers(f)), (0, 3), (0, 6)),
    Figure("openers: alike to the letter", _same, (0, 0), (0, _ANY), False),
    Figure("openers: Jaccard >= 0.5 on 3-grams with an earlier one", _alike(0.5), (0, 1), (0, 3), False),
    Figure("openers: Jaccard >= 0.7", _alike(0.7), (0, 0.1), (0, 1), False),
    Figure("distinct first three words, n = 1,000", lambda f: _distinct(_follow_ups(f)), (0.65, 1), (0.45, 1), False),
    Figure("commonest first three words", lambda f: _top(_follow_ups(f)), (0, 2.5), (0, 5)),
    Figure(
        "first-word entropy, n = 500, bits", lambda f: _entropy(_starts(_follow_ups(f), 1, 500)), (5, _ANY), (4, _ANY)
    ),
    Figure("dialogues with one first word throughout", _one_first_word, (0, 12), (0, 25)),
    Figure("length, coefficient of variation", _cv, (0.55, _ANY), (0.4, _ANY)),
    Figure("length, median words", lambda f: median(map(len, _follow_ups(f))), (8, 15), (0, _ANY)),
    Figure("with a question mark", _of_turns(lambda one: one.questions), (45, 70), (0, 85)),
    Figure("thanks and nothing else", _fired("thanks_only"), (0, 0.5), (0, 1.5)),
    Figure("thanks anywhere", _of_turns(lambda one: one.thanks), (1, 5), (0, 8)),
    Figure("begins with praise", _fired("praise"), (0, 3), (0, 8)),
    Figure("role exchange", _ROLES, (0, 0.2), (0, 0.5)),
    Figure("template tokens, role markers", _MARKERS, (0, 0), (0, 0)),
    Figure(
        "messages with the end signal or the person's description", lambda f: sum(o.leaks for o in f), (0, 0), (0, 0)
    ),
    Figure("copies an earlier message of the user", _fired("turn_copy", "opener_resent"), (0, 0.3), (0, 1)),
    Figure("in another language", _fired("language"), (0, 0.5), (0, 2)),
    Figure("user's words by assistant's, median", lambda f: median(one.ratio for one in f), (0.05, 0.3), (0, 0.6)),
    Figure("dialogues with a repair act", _of_dialogues(lambda o: not REPAIRS.isdisjoint(o.acts)), (25, 40), (10, 100)),
    Figure(
        "dialogues of 4 rounds and more with a recall",
        _of_dialogues(lambda o: "recall" in o.acts, 4),
        (20, 100),
        (10, 100),
    ),
    Figure("dialogues ended by a limit before their plan", _of_dialogues(lambda one: one.capped), (0, 2), (0, 10)),
    Figure("held facts let out by the end, of all", _released, (90, 100), (70, 100)),
)


def table(found: Sequence[Seen]) -> str:
    """All figures of a corpus."""
    head = f"| {len(found):,} dialogues | value | 95 % interval | pass | |\n|---|---|---|---|---|"
    return "\n".join([head, *(figure.row(found) for figure in FIGURES)])
