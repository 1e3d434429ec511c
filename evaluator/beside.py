"""Files that an evaluation is given beside its benchmarks: difficulties, anchors, a contamination report."""

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path

import orjson

from dialogue.errors import UsageError
from evaluator.items import Bench
from evaluator.sections import Lengths
from evaluator.settings import EvaluateSettings
from evaluator.stats.length import Anchors


def lengths(settings: EvaluateSettings) -> Lengths:
    """What the CSV files say for length control. Raises UsageError where one of the two is missing."""
    difficulty = anchors = None
    if settings.difficulty:
        table = _csv(settings.difficulty, "--difficulty", ("index", "difficulty"))
        difficulty = {row["index"]: float(row["difficulty"]) for row in table}
    if settings.anchors:
        names = ("index", "tanh_std_delta_len", "difficulty", "y_equivalent")
        table = _csv(settings.anchors, "--anchors", names)
        columns = [[float(row[name]) for row in table] for name in names[1:]]
        anchors = Anchors([row["index"] for row in table], *columns)
    if (difficulty is None) != (anchors is None):
        raise UsageError("--difficulty and --anchors: AlpacaEval's length control needs both, or neither")
    return Lengths(difficulty, anchors)


def _csv(path: Path, option: str, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{option} {path}: {getattr(error, 'strerror', None) or error}") from None
    table = list(csv.DictReader(text.splitlines()))
    if not table or any(column not in table[0] for column in columns):
        raise UsageError(f"{option} {path}: expected columns {', '.join(columns)}")
    for number, row in enumerate(table, 2):
        for column in columns[1:]:
            try:
                float(row[column])
            except (TypeError, ValueError):
                raise UsageError(f"{option} {path}:{number}: {column} is no number") from None
    return table


def contaminated(path: Path | None, found: Sequence[Bench]) -> dict[str, frozenset[str]]:
    """Items that are not among the clean ones of a contamination report."""
    if path is None:
        return {}
    file = path / "report.json" if path.is_dir() else path
    try:
        report = orjson.loads(file.read_bytes())
        clean = {str(one["name"]): set(map(str, one["clean_items"])) for one in report["benchmarks"]}
    except OSError as error:
        raise UsageError(f"--contamination {file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"--contamination {file}: no report of `gen contamination`") from None
    leaked = {
        bench.name: frozenset(item.cluster for item in bench.items if item.id not in clean[bench.name])
        for bench in found
        if bench.name in clean
    }
    if found and not leaked:
        raise UsageError(
            f"--contamination {file}: knows {', '.join(clean)}, but not {', '.join(bench.name for bench in found)}; "
            "give the benchmarks the same names in both, as NAME=PATH"
        )
    return leaked
