"""A sheet for people to judge by, and how far the judge agrees with them.

The sheet is blind: it names no system. Each line is one judge call as the judge saw it, with an empty column `verdict`:
1, 2 or tie for two answers, a number for one.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dialogue.errors import UsageError
from evaluator.calls import Lookup
from evaluator.judging import Asked
from evaluator.protocol import judge
from evaluator.records import Judgment
from evaluator.stats.agreement import Agreement, agreement

COLUMNS = ("key", "protocol", "benchmark", "item", "category", "turn", "question", "answer_1", "answer_2", "verdict")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Beside(NamedTuple):
    """The judge beside people, by one protocol."""

    protocol: str
    benchmark: str
    n: int
    found: Agreement
    """Over the calls on which both have a verdict."""
    unread: int
    """Calls that people judged and the judge has no verdict on."""


def sheet(asked: Iterable[Asked], lookup: Callable[[Asked], Lookup]) -> bytes:
    """The sheet as CSV; of sheets with more than two answers none. Formulas are quoted: texts are not to be run."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    seen: set[str] = set()
    for one in asked:
        call = one.call
        if len(call.shown) > 2 or one.key in seen or call.sample or call.repeat:
            continue
        view = call.view(lookup(one))
        if view is None:
            continue
        seen.add(one.key)
        last = call.turn or len(call.item.turns)
        question = "\n\n".join(call.item.turns[:last])
        answers = ["\n\n".join(answer.turns[:last]) for answer in view.answers]
        about = [one.key, call.judge.name, call.item.benchmark, call.item.id, call.item.category or "", call.turn or ""]
        writer.writerow([*map(_plain, [*about, question, *answers, *([""] * (2 - len(answers)))]), ""])
    return out.getvalue().encode("utf-8-sig", "replace")


def _plain(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def beside(path: Path, judgments: Iterable[Judgment]) -> list[Beside]:
    """How far the judge agrees with the people who filled in the sheet. Raises UsageError for an unreadable sheet."""
    said = read(path)
    groups: dict[tuple[str, str], list[tuple[str | float, str | float, str]]] = {}
    unread: dict[tuple[str, str], int] = {}
    for one in judgments:
        if one.key not in said:
            continue
        place = (one.protocol, one.benchmark)
        mine = _label(one)
        if mine is None:
            unread[place] = unread.get(place, 0) + 1
            continue
        groups.setdefault(place, []).append((_theirs(path, one, said[one.key]), mine, one.cluster))
    if not groups:
        raise UsageError(f"--people {path}: none of its verdicts is on a call of this evaluation")
    found = []
    for (protocol, benchmark), rows in groups.items():
        theirs, ours, questions = ([row[column] for row in rows] for column in range(3))
        agreed = agreement(theirs, ours, [str(question) for question in questions])
        found.append(Beside(protocol, benchmark, len(rows), agreed, unread.get((protocol, benchmark), 0)))
    return found


def read(path: Path) -> Mapping[str, str]:
    """The verdicts that were filled in, by key. Raises UsageError where the file is no sheet, or none is."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"--people {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"--people {path}: not UTF-8 at byte {error.start}") from None
    table = list(csv.DictReader(io.StringIO(text)))
    if not table or not {"key", "verdict"} <= table[0].keys():
        raise UsageError(f"--people {path}: expected the columns key and verdict, as in people.csv of an evaluation")
    found = {row["key"]: row["verdict"].strip() for row in table if (row["verdict"] or "").strip()}
    if not found:
        raise UsageError(f"--people {path}: no verdict is filled in (1, 2 or tie for two answers, a number for one)")
    return found


def _label(one: Judgment) -> str | float | None:
    """The judge's verdict in the words of the sheet."""
    if one.verdict is None:
        return None
    if len(one.shown) == 1:
        return one.verdict.scores[0] if one.verdict.scores else None
    preference = one.verdict.preference
    if preference is None:
        first, second = one.verdict.scores
        preference = 0.5 if first == second else float(first > second)
    return "tie" if preference == 0.5 else "1" if preference > 0.5 else "2"


def _theirs(path: Path, one: Judgment, text: str) -> str | float:
    if len(one.shown) == 2:
        if text.lower() not in ("1", "2", "tie"):
            raise UsageError(f"--people {path}: {one.item}: verdict {text!r}: expected 1, 2 or tie")
        return text.lower()
    low, high = judge(one.protocol).scale
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise UsageError(f"--people {path}: {one.item}: verdict {text!r}: expected a number from {low:g} to {high:g}")
    return value
