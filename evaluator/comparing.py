"""Systems of several evaluations beside one another: only where judge, prompt and baseline are the same, and only on
the questions that all of them have."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from dialogue.errors import UsageError
from dialogue.jsonl import objects
from evaluator.section import Section
from evaluator.stats.compare import Difference, compared
from evaluator.stats.intervals import mean

FILE = "scores.jsonl"


class Across(NamedTuple):
    """One benchmark and protocol over several evaluations."""

    benchmark: str
    protocol: str
    unit: str
    questions: int
    left_out: dict[str, int]
    """Questions of each system that not all others have."""
    values: dict[str, Any]
    """Value, low and high of each system on the shared questions."""
    differences: list[Difference]


def lines(sections: Iterable[Section], prompts: Mapping[str, str]) -> Iterator[bytes]:
    """What this evaluation leaves for others to compare with."""
    for one in sections:
        for system, scores in one.scores.items():
            line = {
                "benchmark": one.benchmark,
                "protocol": one.protocol,
                "judge": one.judge,
                "prompt": prompts.get(f"judging/{one.protocol}.j2"),
                "against": one.against,
                "headline": one.headline,
                "unit": one.unit,
                "system": system,
                "scores": scores,
            }
            yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


Place = tuple[str, str]
"""Benchmark and protocol."""


class Expected(NamedTuple):
    """What this evaluation's scores on one place will be like."""

    judge: str | None
    prompt: str | None
    against: str | None
    items: frozenset[str]
    """Clusters of its questions."""


def check(folders: Sequence[Path], expected: Mapping[Place, Expected]) -> None:
    """Raise UsageError before anything is asked, where a folder's scores cannot be compared with those to come."""
    for folder in folders:
        rows = [(str(folder), row) for row in _rows(folder) if (row["benchmark"], row["protocol"]) in expected]
        if not rows:
            raise UsageError(f"--compare {folder}: no benchmark and protocol in common with this evaluation")
        for _, row in rows:
            place = (row["benchmark"], row["protocol"])
            own = expected[place]
            _same(*place, [("", own._asdict()), (str(folder), row)])
            if not own.items & row["scores"].keys():
                raise UsageError(f"--compare {folder}: {place[0]} by {place[1]}: no question in common")


def across(own: Sequence[bytes], folders: Sequence[Path]) -> list[Across]:
    """All systems together, where they have questions in common. Raises UsageError where a judge, a prompt or a
    baseline differs: such scores do not compare."""
    by_place: dict[Place, list[tuple[str, dict[str, Any]]]] = {}
    every = [("", orjson.loads(line)) for line in own]
    every += [(str(folder), row) for folder in folders for row in _rows(folder)]
    for place, row in every:
        by_place.setdefault((row["benchmark"], row["protocol"]), []).append((place, row))
    found = []
    for (benchmark, protocol), rows in by_place.items():
        if len({place for place, _ in rows}) > 1:
            _same(benchmark, protocol, rows)
            found.append(_across(benchmark, protocol, rows))
    return [one for one in found if one.questions]


def _rows(folder: Path) -> list[dict[str, Any]]:
    file = folder / FILE
    if not file.exists():
        raise UsageError(f"--compare {folder}: no {FILE} in it; name the folder of a finished evaluation")
    found = [row for _, row in objects(file)]
    for row in found:
        if not {"benchmark", "protocol", "system", "scores", "judge"} <= row.keys():
            raise UsageError(f"{file}: not the scores of an evaluation")
    return found


def _same(benchmark: str, protocol: str, rows: Sequence[tuple[str, dict[str, Any]]]) -> None:
    for field in ("judge", "prompt", "against"):
        said = {row.get(field) for _, row in rows}
        if len(said) > 1:
            shown = " and ".join(sorted(map(str, said)))
            raise UsageError(
                f"--compare: {benchmark} by {protocol}: {field} is {shown}; such scores cannot be compared "
                "(judge the answers anew with one judge: --answers FOLDER/answers.jsonl)"
            )


def _across(benchmark: str, protocol: str, rows: Sequence[tuple[str, dict[str, Any]]]) -> Across:
    scores: dict[str, dict[str, float]] = {}
    for place, row in rows:
        name = f"{row['system']} ({place})" if place else str(row["system"])
        scores[name] = {str(item): float(value) for item, value in row["scores"].items()}
    shared = set.intersection(*(set(own) for own in scores.values()))
    unit = str(rows[0][1]["unit"])
    factor = 100.0 if unit == "percent" else 1.0  # shares are compared as shares: by McNemar, with Wilson's interval
    kept = {name: {item: own[item] / factor for item in sorted(shared)} for name, own in scores.items()}
    values = {}
    for name, own in kept.items():
        estimate = mean(list(own.values()), list(own), difference=unit != "percent").scaled(factor)
        values[name] = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    left_out = {name: len(own) - len(shared) for name, own in scores.items()}
    pairs = [one._replace(estimate=one.estimate.scaled(factor)) for one in compared(kept)]
    return Across(benchmark, protocol, unit, len(shared), left_out, values, pairs)
