"""Figures that a user's turn makes up: numbers and ids that neither the goal card nor the dialogue knows."""

import re

from dialogue.draft import Draft

_FIGURE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9]|[.,:/_-](?=[A-Za-z0-9]))*")
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{1,2}:\d{2}(?::\d{2})?|(?:1[5-9]|20|21)\d\d(?:-\d{2,4})?s?")
_MARKS = str.maketrans("", "", ".,:/_-")
LEAST_DIGITS = 3
"""Counts and list indices are shorter."""


def unknown_figure(draft: Draft, facts: str) -> str | None:
    """A number of three digits or more, or an id, that stands in neither the facts nor the history; dates may."""
    if not any(map(str.isdigit, draft.prose)):
        return None
    figures = [figure for figure in _FIGURE.findall(draft.prose) if _counts(figure)]
    if not figures:
        return None
    known = " ".join((facts, *(message.content for message in draft.history))).lower().translate(_MARKS)
    return next((figure for figure in figures if figure.lower().translate(_MARKS) not in known), None)


def _counts(figure: str) -> bool:
    return sum(map(str.isdigit, figure)) >= LEAST_DIGITS and not _DATE.fullmatch(figure)
