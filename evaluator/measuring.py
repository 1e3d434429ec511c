"""Measures taken: item by item, journalled, so that a second call goes on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dialogue.chance import hex64
from dialogue.errors import UsageError
from dialogue.records import Usage, plain
from evaluator.bias import figure
from evaluator.measure import Measure, Scorer, Shown
from evaluator.protocol import Pairing
from evaluator.records import Figure, Item, Point
from evaluator.scoring import Counts, Scoring
from evaluator.stats.estimate import Estimate
from evaluator.stats.intervals import mean, ratio
from generator.asking import Speaker
from generator.folder.replylog import ReplyLog


def key(measure: Measure, speaker: Speaker, item: Item) -> str:
    """Of the model, the measure and all that the item says."""
    return hex64("measure", measure.name, speaker.endpoint.model, item.cluster, *item.turns, repr(item.row))


def check(measure: Measure, systems: Mapping[str, Speaker]) -> None:
    """Raise UsageError for a system whose probabilities cannot be had."""
    for name, speaker in systems.items():
        if speaker.endpoint.local_model is None:
            raise UsageError(
                f"{measure.name}: {name} is an endpoint, and says no probabilities of texts; give local:MODEL"
            )


def measured(
    measure: Measure, system: str, speaker: Speaker, items: Sequence[Item], log: ReplyLog,
    open_model: Callable[[str], Scorer], show: Callable[[int, int], None],
) -> None:  # fmt: skip
    """Measure what is not journalled yet; the model is opened only where something is."""
    left = [item for item in items if key(measure, speaker, item) not in log.by_key]
    if not left:
        return
    model = speaker.endpoint.local_model
    assert model is not None
    scorer = open_model(model)
    for number, item in enumerate(left):
        show(number, len(left))
        parts = {name: list(pair) for name, pair in measure.parts(item, scorer).items()}
        about = {"key": key(measure, speaker, item), "protocol": measure.name, "system": system, "item": item.id}
        log.add({**about, "parts": parts, "usage": plain(Usage())})


def scoring(measure: Measure, system: str, speaker: Speaker, items: Sequence[Item], log: ReplyLog) -> Scoring:
    """The system's figures from the journal."""
    rows = [(item, log.by_key.get(key(measure, speaker, item))) for item in items]
    there = [(item, row["parts"]) for item, row in rows if row is not None]
    states = {name: n for name, n in (("parsed", len(there)), ("open", len(rows) - len(there))) if n}
    head = measure.figures[measure.headline].of or measure.headline
    points = [
        Point(item.cluster, parts[head][0] / parts[head][1], item.category, weight=parts[head][1])
        for item, parts in there
        if parts.get(head, (0, 0))[1]
    ]
    figures = [
        _figure(system, name, shown, [parts[shown.of or name] for _, parts in there if (shown.of or name) in parts])
        for name, shown in measure.figures.items()
    ]
    return Scoring(system, None, points, Counts(len(rows), states), [one for one in figures if one is not None])


def _figure(system: str, name: str, shown: Shown, pairs: Sequence[Sequence[float]]) -> Figure | None:
    if not pairs:
        return None
    tops, bottoms = ([pair[side] for pair in pairs] for side in (0, 1))
    found = mean(tops, range(len(tops))) if set(bottoms) == {1.0} else ratio(tops, bottoms)
    return figure(Pairing(system, None, ()), name, shown.unit, _shown(found.scaled(shown.factor), shown))


def _shown(found: Estimate, shown: Shown) -> Estimate:
    if shown.transform is None:
        return found
    low, high = (None if end is None else shown.transform(end) for end in (found.low, found.high))
    return found._replace(value=shown.transform(found.value), low=low, high=high, se=None)


def sound(line: Mapping[str, Any]) -> bool:
    """Whether a line is one of a measures' file."""
    return isinstance(line.get("parts"), dict) and isinstance(line.get("protocol"), str)
