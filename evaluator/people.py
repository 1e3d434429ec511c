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
from evaluator.protocol import judge, judges
from evaluator.records import Judgment
from evaluator.stats.agreement import Agreement, agreement

COLUMNS = ("key", "protocol", "benchmark", "item", "category", "turn", "question", "answer_1", "answer_2", "verdict")
Row = dict[str, str]
MOST_CELL = 1 << 27
"""Characters; the csv module's own limit is shorter than some answers."""
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


def sheet(asked: Iterable[Asked], lookup: Callable[[Asked], Lookup], filled: Mapping[str, Row]) -> bytes:
    """The sheet as CSV, with all verdicts that are in `filled`; of sheets with more than two answers none.

    Formulas are quoted: texts are not to be run.
    """
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
        verdict = filled[one.key]["verdict"] if one.key in filled else ""
        writer.writerow([*map(_plain, [*about, question, *answers, *([""] * (2 - len(answers)))]), verdict])
    for key, row in filled.items():  # of a larger call than this one: a person's work is not thrown away
        if key not in seen:
            writer.writerow([row.get(column, "") for column in COLUMNS])
    return out.getvalue().encode("utf-8-sig", "replace")


def _plain(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def beside(path: Path, judgments: Iterable[Judgment]) -> list[Beside]:
    """How far the judge agrees with the people who filled in the sheet; nothing where none of it is on these calls.

    Raises UsageError for an unreadable sheet.
    """
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
        groups.setdefault(place, []).append((_theirs(path, said[one.key]), mine, one.cluster))
    found = []
    for (protocol, benchmark), rows in groups.items():
        theirs, ours, questions = ([row[column] for row in rows] for column in range(3))
        agreed = agreement(theirs, ours, [str(question) for question in questions])
        found.append(Beside(protocol, benchmark, len(rows), agreed, unread.get((protocol, benchmark), 0)))
    return found


def read(path: Path) -> dict[str, Row]:
    """The rows in which a verdict was filled in, by key. Raises UsageError where the file is no sheet, or none is."""
    found = filled(path)
    if not found:
        raise UsageError(f"--people {path}: no verdict is filled in (1, 2 or tie for two answers, a number for one)")
    for row in found.values():
        _theirs(path, row)
    return found


def filled(path: Path) -> dict[str, Row]:
    """The same without complaint where nothing is filled in."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"--people {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"--people {path}: not UTF-8 at byte {error.start}") from None
    limit = csv.field_size_limit(MOST_CELL)
    try:
        table = list(csv.DictReader(io.StringIO(text)))
    except csv.Error as error:
        raise UsageError(f"--people {path}: {error}") from None
    finally:
        csv.field_size_limit(limit)
    if not table or not {"key", "verdict"} <= table[0].keys():
        raise UsageError(f"--people {path}: expected the columns key and verdict, as in people.csv of an evaluation")
    return {row["key"]: row for row in table if (row["verdict"] or "").strip()}


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


def _theirs(path: Path, row: Row) -> str | float:
    """A person's verdict. Raises UsageError where it is none on the protocol's scale."""
    text, name = row["verdict"].strip(), row.get("protocol", "")
    rule = judge(name) if name in judges() else None
    if rule is not None and rule.shape == "pair":
        if text.lower() not in ("1", "2", "tie"):
            raise UsageError(f"--people {path}: {row.get('item')}: verdict {text!r}: expected 1, 2 or tie")
        return text.lower()
    low, high = rule.scale if rule is not None else (float("-inf"), float("inf"))
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if rule is not None and not low <= value <= high:
        raise UsageError(
            f"--people {path}: {row.get('item')}: verdict {text!r}: expected a number from {low:g} to {high:g}"
        )
    return value
