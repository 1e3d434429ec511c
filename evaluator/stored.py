"""Stored judgments, ours and others': read, parsed anew by the protocol, and compared with what was stored."""

import gzip
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from dialogue.chance import hex64
from dialogue.errors import UsageError
from evaluator.judging import BY_ENDPOINT, read_text
from evaluator.protocol import Reply, judge
from evaluator.records import Judgment, Verdict
from filters.leaks.readers import rows

HOME = Path(__file__).parent / "layouts"
OWN = "judgments.jsonl"
"""In the folder of an evaluation."""


class Row(NamedTuple):
    """One stored judgment, and the verdict that was stored with it."""

    judgment: Judgment
    stored: Verdict | None
    """None: none was stored, or it says that there was no verdict."""


class Stored(NamedTuple):
    """A file of stored judgments."""

    layout: str
    judgments: list[Judgment]
    agree: int
    """Replies whose verdict, read anew, is the stored one."""
    differ: list[str]
    """Where it is another one, or only one of the two is there: item and both."""


def names() -> list[str]:
    """The layouts that there are."""
    return sorted(path.stem for path in HOME.glob("*.py") if path.stem != "__init__")


def load(path: Path, *, protocol: str | None = None, as_stored: bool = False) -> Stored:
    """The judgments of a file, JSON Lines, a JSON array or CSV, gzipped or not, recognised by its rows.

    Replies are read anew by the protocol, the row's own or the one that is named; with `as_stored`, and where no reply
    was kept, the stored verdicts count. Raises UsageError where the file is not understood.
    """
    path = path / OWN if path.is_dir() else path
    table = _table(path)
    if not table:
        raise UsageError(f"--from-judgments {path}: not one row in it")
    layout = _layout(path, table[0][1])
    found: list[Row] = []
    at = str(path)
    try:
        for place, row in table:
            at = place
            found += layout.judgments(row, path)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UsageError(f"{at}: no {_name(layout)} judgment ({error!r})") from None
    return _read(_name(layout), _latest(found), protocol, as_stored)


def _table(path: Path) -> list[tuple[str, dict[str, Any]]]:
    try:
        data = path.read_bytes()
        inner = path
        if data.startswith(b"\x1f\x8b"):
            data, inner = gzip.decompress(data), path.with_suffix("")
    except OSError as error:
        raise UsageError(f"--from-judgments {path}: {error.strerror or error}") from None
    except EOFError:
        raise UsageError(f"--from-judgments {path}: gzip ends too early") from None
    found = []
    for place, row in rows(inner, data):
        if not isinstance(row, dict):
            raise UsageError(f"{place}: expected an object")
        found.append((place, row))
    return found


def _layout(path: Path, row: Mapping[str, Any]) -> ModuleType:
    for name in names():
        module = import_module(f"evaluator.layouts.{name}")
        if module.fits(row):
            return module
    raise UsageError(
        f"--from-judgments {path}: of no known layout ({', '.join(names())}); its fields: {', '.join(row)}"
    )


def _name(layout: ModuleType) -> str:
    return layout.__name__.rpartition(".")[2]


def _latest(found: Sequence[Row]) -> list[Row]:
    """Each call once, as it came last: some tools append a call again when they are run again."""
    return list({row.judgment.key: row for row in found}.values())


def _read(layout: str, found: Sequence[Row], protocol: str | None, as_stored: bool) -> Stored:
    judgments: list[Judgment] = []
    agree = 0
    differ: list[str] = []
    for row in found:
        one, stored = row.judgment, row.stored
        if protocol is not None:
            one = one.model_copy(update={"protocol": protocol})
        if one.state == "call_failed" or one.detail == BY_ENDPOINT:
            judgments.append(one)
            continue
        if one.raw is None:
            judgments.append(_with(one, stored, "no verdict was stored"))
            continue
        state, detail, verdict = read_text(judge(one.protocol), Reply(one.raw, one.alternatives, len(one.shown)))
        if _same(verdict, stored):
            agree += 1
        else:
            differ.append(f"{one.benchmark} {one.item}: stored {_told(stored)}, read {_told(verdict)}")
        if as_stored:
            judgments.append(_with(one, stored, "no verdict was stored"))
        else:
            judgments.append(one.model_copy(update={"state": state, "detail": detail, "verdict": verdict}))
    return Stored(layout, judgments, agree, differ)


def _with(one: Judgment, stored: Verdict | None, otherwise: str) -> Judgment:
    if stored is None:
        return one.model_copy(update={"state": "unparsed", "detail": otherwise, "verdict": None})
    verdict = stored.model_copy(update={"read_as": "stored"})
    return one.model_copy(update={"state": "parsed", "detail": None, "verdict": verdict})


def _same(verdict: Verdict | None, stored: Verdict | None) -> bool:
    if verdict is None or stored is None:
        return verdict is stored
    return verdict.scores == stored.scores and verdict.preference == stored.preference


def _told(verdict: Verdict | None) -> str:
    if verdict is None:
        return "none"
    return str(list(verdict.scores)) if verdict.scores else f"{verdict.preference:g}"


def key(*parts: object) -> str:
    """A key for a stored call, by what tells it from others."""
    return hex64("stored", *parts)


def by_section(judgments: Iterable[Judgment]) -> dict[tuple[str, str, str], list[Judgment]]:
    """Judgments by benchmark, protocol and judge: what comes from different judges is never put together."""
    found: dict[tuple[str, str, str], list[Judgment]] = {}
    for one in judgments:
        found.setdefault((one.benchmark, one.protocol, one.judge or "unknown"), []).append(one)
    return found


def baseline_of(judgments: Sequence[Judgment]) -> str | None:
    """The system that all others are compared with: second in order 0, first in order 1. None: there is none.

    Of two systems by a protocol that wants no baseline, neither is one.
    """
    found = {one.shown[0 if one.order else 1] for one in judgments if len(one.shown) == 2}
    systems = {system for one in judgments for system in one.shown}
    wanted = len(systems) > 2 or any(judge(one.protocol).baseline_wanted for one in judgments[:1])
    return found.pop() if len(found) == 1 and wanted else None
