"""A benchmark's items, from any file that a field map describes.

A benchmark is given as the path of its file or folder, whose layout is recognised by its fields; as NAME=PATH, where
NAME is a layout of `filters/benchmarks/`, the path of a field map, or else simply its name; or as MAP.toml, a field map
that says the path. Two benchmarks may share a layout: a file of {question, answer} is not GSM8K unless it says so.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from dialogue.chance import hex64
from dialogue.errors import UsageError
from filters.leaks.fields import FieldMap, known, read_map, recognise
from filters.leaks.readers import Row, data_files, rows


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a benchmark."""

    benchmark: str
    id: str
    """The file's own id, else the number of the row, from 0; with the file's name before it in a folder of files."""
    question: tuple[str, ...]
    """Each question, or turn of a question of many turns, apart."""
    answer: tuple[str, ...] = ()
    passage: str | None = None
    row: Row | None = field(default=None, compare=False, repr=False)
    """As it stands in the file."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark's items, in the order of their file; those that stand in it twice are there twice."""

    name: str
    path: str
    items: tuple[Item, ...]
    digest: str
    """16 hex digits of the bytes and the field map."""
    layout: str = ""
    """The field map by which it was read."""


class _Given(NamedTuple):
    """What PATH, NAME=PATH or MAP.toml says."""

    path: Path
    name: str | None = None
    layout: FieldMap | None = None
    sources: tuple[Path, ...] = ()
    """Field maps of the user's own."""


def load(spec: str) -> Benchmark:
    """The benchmark that PATH, NAME=PATH or MAP.toml names. Raises UsageError where it cannot be read or understood."""
    given = _parsed(spec)
    path = given.path
    files = data_files(path)
    data = [file.read_bytes() for file in files]
    read = [_rows(file, content, given.layout) for file, content in zip(files, data, strict=True)]
    layout, called = (given.layout, given.layout.name) if given.layout else _recognised(given, read)
    found = layout.model_copy(update={"name": given.name or called})
    items = [
        item
        for file, table in zip(files, read, strict=True)
        for item in _items(found, table, f"{file.stem}/" if len(files) > 1 else "")
    ]
    if not items:
        raise UsageError(f"{path}: not one question in it")
    digest = hex64(found.model_dump_json(), *(hex64(content.hex()) for content in data))
    return Benchmark(found.name, str(path), tuple(_distinct_ids(items)), digest, layout.name)


def sources(spec: str) -> tuple[Path, ...]:
    """All files that the benchmark is made of, field maps too; those that are not there are left out."""
    given = _parsed(spec)
    inside = given.path.iterdir() if given.path.is_dir() else (given.path,)
    return tuple(path for path in (*given.sources, *sorted(inside)) if path.is_file())


def load_all(specs: Sequence[str]) -> tuple[Benchmark, ...]:
    """The benchmarks in order. Raises UsageError where two have one name."""
    loaded = tuple(load(spec) for spec in specs)
    for name, times in Counter(one.name for one in loaded).items():
        if times > 1:
            paths = ", ".join(one.path for one in loaded if one.name == name)
            raise UsageError(
                f"benchmark {name!r} is given {times} times ({paths}): give each a name of its own, as NAME=PATH"
            )
    return loaded


def _parsed(spec: str) -> _Given:
    name, equals, rest = spec.partition("=")
    if equals and not Path(spec).exists():
        if name.endswith(".toml"):
            return _Given(Path(rest), None, read_map(Path(name)), (Path(name),))
        return _Given(Path(rest), None, known()[name]) if name in known() else _Given(Path(rest), name or None)
    if spec in known() and not Path(spec).exists():
        raise UsageError(f"{spec}: the name of a layout; say where its file is, as {spec}=PATH")
    if not spec.endswith(".toml"):
        return _Given(Path(spec))
    found = read_map(Path(spec))
    if found.path is None:
        raise UsageError(f"{spec}: no `path`: say where the file is, or give it as {spec}=PATH")
    return _Given(Path(spec).parent / found.path, None, found, (Path(spec),))


def _rows(file: Path, data: bytes, given: FieldMap | None) -> list[tuple[str, Row]]:
    table = list(rows(file, data))
    if given and given.columns and file.suffix == ".csv" and not (table and given.has_question(table[0][1])):
        table = list(rows(file, data, given.columns))
    return table


def _recognised(given: _Given, read: Sequence[Sequence[tuple[str, Row]]]) -> tuple[FieldMap, str]:
    """The layout, and what the benchmark is called."""
    path = given.path
    table = [entry for one in read for entry in one]
    if not table:
        raise UsageError(f"{path}: not one row in it")
    place, row = table[0]
    ids = [row["question_id"] for _, row in table if isinstance(row, dict) and isinstance(row.get("question_id"), int)]
    names = (path.stem, path.absolute().parent.name)
    try:
        return recognise(row, place, names, (min(ids), max(ids)) if ids else None)
    except UsageError as error:
        near = get_close_matches(given.name or "", known(), n=1)
        raise UsageError(f"{error}" + (f"; or did you mean {near[0]}={path}?" if near else "")) from None


def _items(found: FieldMap, table: Sequence[tuple[str, Row]], prefix: str) -> list[Item]:
    items = []
    for number, (place, row) in enumerate(table):
        if not found.has_question(row):
            fields = ", ".join(row) if isinstance(row, dict) else "a plain string"
            apart = "; a folder is one benchmark: name its files one by one, as NAME=PATH" if prefix else ""
            raise UsageError(f"{place}: no question of {found.name} in it (found: {fields}){apart}")
        item = _item(found, row, prefix, number)
        if item.question or item.passage:
            items.append(item)
    return items


def _item(found: FieldMap, row: Row, prefix: str, number: int) -> Item:
    own = found.texts(row, found.id) if found.id and isinstance(row, dict) else ()
    question = found.texts(row, found.question)
    passage = "\n".join(found.texts(row, found.passage)) if found.passage and isinstance(row, dict) else None
    if found.passage_opens and question and question[0].lstrip().startswith(found.passage_opens):
        passage, _, last = question[0].strip().rpartition("\n")
        question = (last, *question[1:])
    id = own[0] if own else f"{prefix}{number}"
    return Item(found.name, id, question, found.answers(row), passage or None, row)


def _distinct_ids(items: Sequence[Item]) -> list[Item]:
    times = Counter(item.id for item in items)
    distinct = []
    for number, item in enumerate(items):
        id = item.id if times[item.id] == 1 else f"{item.id} (item {number})"
        distinct.append(replace(item, id=id))
    return distinct
