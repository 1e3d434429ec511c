"""Rows of tables: CSV and TSV by their header, Parquet batch by batch."""

import csv
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from dialogue.conversion.row import Row
from dialogue.errors import UsageError

BATCH_ROWS = 1000
JSON_COLUMNS = b"duologue.json_columns"
"""In a Parquet file's metadata: columns of ours whose texts are JSON."""
STRUCTURED = frozenset(
    (
        *("messages", "conversations", "data", "items", "history", "completions", "candidates", "chat", "seed"),
        *("chatgpt_answers", "human_answers"),
    )
)
_MOST_CELL = 1 << 27


def csv_rows(path: Path) -> Iterator[Row]:
    """A row is an object of texts, or of what a cell's JSON list or object holds."""
    csv.field_size_limit(_MOST_CELL)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        lines = csv.reader(file, delimiter=_delimiter(path), strict=True)
        try:
            header = _header(next((cells for cells in lines if any(map(str.strip, cells))), []))
        except (ValueError, csv.Error) as error:
            raise UsageError(
                f"{path}:{max(1, lines.line_num)}: expected a header whose names all differ ({error})"
            ) from None
        while True:
            number = lines.line_num + 1
            try:
                cells = next(lines, None)
            except csv.Error as error:
                yield Row(path, number, b"", trouble=f"not CSV ({error})")
                continue
            if cells is None:
                return
            if cells:
                yield _csv_row(path, number, header, cells)


def _delimiter(path: Path) -> str:
    """What stands between two cells: as the name says, else what of comma, semicolon and tab the header has first."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        header = next((line for line in file if line.strip()), "")
    return next((mark for mark in ",;\t" if mark in header), ",")


def _header(cells: list[str]) -> list[str]:
    """The names of the columns; one without a name, as of pandas' row numbers, is named by its place. ValueError."""
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        raise ValueError("not UTF-8") from None
    names = [name if name.strip() else f"column {place}" for place, name in enumerate(cells, 1)]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"found {str(cells)[:80] if cells else 'none'}")
    return names


def _csv_row(path: Path, number: int, header: list[str], cells: list[str]) -> Row:
    line = ",".join(cells).encode("utf-8", "surrogateescape")
    if len(cells) != len(header):
        return Row(path, number, line, trouble=f"{len(cells)} cells, expected {len(header)}")
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return Row(path, number, line, trouble=f"not UTF-8 ({error.reason})")
    fields = {name: _cell(name, cell) for name, cell in zip(header, cells, strict=True)}
    return Row(path, number, orjson.dumps(fields), fields)


def _cell(name: str, cell: str) -> Any:
    """The text of a cell; in columns that are lists or objects in every layout, what its JSON holds."""
    if name in STRUCTURED and cell[:1] in ("[", "{"):
        with suppress(orjson.JSONDecodeError):
            return orjson.loads(cell)
    return cell


def parquet_rows(path: Path) -> Iterator[Row]:
    """A row is an object of its columns that are not null; columns of ours that hold JSON are read as such."""
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            _check_columns(path, file.schema_arrow.names)
            named = (file.schema_arrow.metadata or {}).get(JSON_COLUMNS, b"[]")
            columns = set(orjson.loads(named))
            number = 0
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                for fields in _objects(batch):
                    number += 1
                    if fields is None:
                        yield Row(path, number, b"", trouble="not UTF-8")
                    else:
                        yield Row(path, number, b"", _plain(fields, columns))
    except (pyarrow.ArrowException, OSError) as error:
        raise UsageError(f"{path}: no Parquet file that can be read ({str(error).splitlines()[0][:120]})") from None


def _check_columns(path: Path, names: list[str]) -> None:
    """Raise UsageError where two columns have one name: an object holds one of them only."""
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"{path}: two columns are named {twice!r}; rename one")


def _objects(batch: Any) -> list[dict[str, Any] | None]:
    """The rows of a batch; None in the place of one whose texts are no UTF-8."""
    try:
        found: list[dict[str, Any] | None] = batch.to_pylist()
    except UnicodeDecodeError:
        if len(batch) == 1:
            return [None]
        found = [one for place in range(len(batch)) for one in _objects(batch.slice(place, 1))]
    return found


def _plain(value: dict[str, Any], columns: set[str], prefix: str = "") -> dict[str, Any]:
    """Without nulls, at any depth; texts of JSON columns, named as `messages.tool_calls`, decoded."""
    found: dict[str, Any] = {}
    for name, one in value.items():
        path = f"{prefix}{name}"
        if one is None:
            continue
        if path in columns and isinstance(one, str):
            with suppress(orjson.JSONDecodeError):
                one = orjson.loads(one)
        elif isinstance(one, dict):
            one = _plain(one, columns, f"{path}.")
        elif isinstance(one, list):
            one = [_plain(part, columns, f"{path}.") if isinstance(part, dict) else _json(part) for part in one]
        found[name] = _json(one)
    return found


def _json(value: Any) -> Any:
    """The value, or its text where JSON has none of its kind: a time, a decimal, bytes."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, tuple):  # an entry of a map
        return [_json(part) for part in value]
    return value if isinstance(value, str | int | float | bool | list | dict) or value is None else str(value)
