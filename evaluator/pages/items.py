"""Single questions on the page: answers and verdicts side by side, both orders, those first on which most hangs."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from evaluator.records import Judgment
from filters.pages.texts import painted

MOST_ITEMS, MOST_CHARACTERS = 60, 6_000
"""Questions shown of a section, and characters of each text."""


SEPARATOR = "\n\n— — —\n\n"
Texts = Callable[[str, str, str, str], tuple[Sequence[str], Sequence[str]]]
"""The turns of question and answer by benchmark, protocol, item and system; empty where they are not known."""


class Said(NamedTuple):
    """One verdict."""

    head: str
    text: Markup
    missing: bool


class Shown(NamedTuple):
    """One question with all that was said."""

    title: str
    category: str
    question: Markup
    answers: Sequence[tuple[str, Markup]]
    verdicts: Sequence[Said]
    disagree: bool


def shown(judgments: Sequence[Judgment], texts: Texts) -> tuple[list[Shown], int]:
    """The questions to be shown and how many there are in all: unread and contradictory verdicts come first."""
    by_item: dict[tuple[str, str], list[Judgment]] = {}
    for one in judgments:
        by_item.setdefault((one.benchmark, one.item), []).append(one)
    order = sorted(by_item, key=lambda place: (-_weight(by_item[place]), place))
    found = []
    for place in order[:MOST_ITEMS]:
        rows = by_item[place]
        systems = dict.fromkeys(system for one in rows for system in one.shown)
        told = {system: texts(place[0], rows[0].protocol, place[1], system) for system in systems}
        question = next((turns for turns, _ in told.values() if turns), ())
        answers = [(system, _text(SEPARATOR.join(turns))) for system, (_, turns) in told.items() if turns]
        verdicts = [_said(one) for one in rows]
        category = rows[0].category or ""
        found.append(Shown(place[1], category, _text(SEPARATOR.join(question)), answers, verdicts, _weight(rows) > 0))
    return found, len(by_item)


def _weight(rows: Sequence[Judgment]) -> int:
    """2 where a verdict is missing, 1 where two orders name different winners."""
    if any(one.verdict is None for one in rows):
        return 2
    winners = {_winner(one) for one in rows if len(one.shown) == 2}
    return int(len(winners) > 1)


def _winner(one: Judgment) -> str:
    verdict = one.verdict
    assert verdict is not None
    preference = verdict.preference
    if preference is None:
        first, second = verdict.scores
        preference = 0.5 if first == second else float(first > second)
    return "tie" if preference == 0.5 else one.shown[0 if preference > 0.5 else 1]


def _said(one: Judgment) -> Said:
    parts = [" | ".join(one.shown)]
    if one.turn is not None:
        parts.append(f"turn {one.turn}")
    if len(one.shown) == 2:
        parts.append(f"{one.shown[0]} shown first")
    if one.verdict is None:
        parts.append(f"{one.state}: {one.detail or ''}")
    elif one.verdict.scores:
        parts.append("scores " + ", ".join(f"{score:g}" for score in one.verdict.scores))
    else:
        parts.append(f"preference for the first {one.verdict.preference:.3g}")
    return Said(" · ".join(parts), _text(one.raw or ""), one.verdict is None)


def _text(text: str) -> Markup:
    cut = text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]} … ({len(text):,} characters)"
    return painted(cut)
