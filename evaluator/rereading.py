"""The sections of stored judgments, without a call."""

from collections.abc import Mapping

from dialogue.errors import UsageError
from evaluator.evaluate import Outcome
from evaluator.preparing import Prepared
from evaluator.protocol import judge
from evaluator.records import Item, Judgment
from evaluator.sections import judged_section
from evaluator.stored import baseline_of, by_section, load


def from_judgments(ready: Prepared) -> Outcome:
    """All figures that the files give; nothing is asked."""
    settings = ready.settings
    if len(settings.protocols) > 1:
        raise UsageError("--protocol: stored judgments are read by one protocol")
    name = settings.protocols[0] if settings.protocols else None
    items = {item.id: item for test in ready.tests for item in test.bench.items}
    judgments: list[Judgment] = []
    told: list[str] = []
    for path in settings.judgments:
        stored = load(path, protocol=name and judge(name).name, as_stored=settings.as_stored)
        judgments += [_categorised(one, items) for one in stored.judgments]
        if stored.agree or stored.differ:
            same, other = f"{stored.agree:,} verdicts read anew are the stored ones", f"{len(stored.differ):,} are not"
            told += [f"{path}: {same}, {other}", *(f"{path}: {line}" for line in stored.differ)]
    known = dict.fromkeys(system for one in judgments for system in one.shown)
    if settings.baseline is not None and settings.baseline not in known:
        raise UsageError(f"--baseline {settings.baseline}: no such system; there are: {', '.join(known)}")
    sections = []
    for (benchmark, protocol, by), rows in by_section(judgments).items():
        systems = list(dict.fromkeys(system for one in rows for system in one.shown))
        found = judged_section(
            judge(protocol),
            benchmark,
            rows,
            systems=systems,
            baseline=settings.baseline if settings.baseline in systems else baseline_of(rows),
            by=by,
            lengths=ready.lengths,
            contaminated=ready.contaminated.get(benchmark),
        )
        sections.append(found)
    return Outcome(sections, None, False, {}, judgments, told, 0)


def _categorised(one: Judgment, items: Mapping[str, Item]) -> Judgment:
    """With the category that the benchmark gives the item, where the judgment has none."""
    item = items.get(one.item)
    return one if one.category is not None or item is None else one.model_copy(update={"category": item.category})
