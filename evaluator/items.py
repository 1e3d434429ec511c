"""A benchmark's items as they are asked, with the ids that contamination reports use.

A TOML of `evaluator/benchmarks/` named after a layout of `filters/benchmarks/` says what else a row holds, and by which
protocol the benchmark is scored where nobody says otherwise.
"""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from dialogue.chance import hex64
from dialogue.conversion.rows import files
from dialogue.conversion.rows import rows as rows_of
from dialogue.errors import UsageError
from dialogue.mixtures import runs_in, standing_for
from dialogue.reading import read
from dialogue.records import Dialogue, Record, encode, one_line
from evaluator.records import Item
from filters.leaks.benchmark import Benchmark, load_all
from filters.leaks.readers import rows

HOME = Path(__file__).parent / "benchmarks"
DEFAULT = "rubric"
"""The protocol of a benchmark that nothing is known of."""
DIALOGUES = "dialogues"
"""The layout of a benchmark that is a file of dialogues."""


class Manner(Record):
    """How a benchmark is asked and scored."""

    protocol: str = DEFAULT
    category: str | None = None
    """The field that holds an item's category."""
    references: str | None = None
    """The field that holds a reference answer; None: what the layout calls the answer, if anything."""
    reference_categories: tuple[str, ...] = ()
    """Only items of these have references to be shown; none named: all."""


@cache
def manner(layout: str) -> Manner:
    """How a benchmark of this layout is scored."""
    file = HOME / f"{layout}.toml"
    if not file.exists():
        return Manner()
    try:
        return Manner.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise UsageError(f"{file}: {one_line(error)}") from None


class Bench(Record):
    """A benchmark to be asked."""

    name: str
    layout: str
    path: str
    digest: str
    items: tuple[Item, ...]

    @property
    def manner(self) -> Manner:
        """How it is scored."""
        return manner(self.layout)


def benches(specs: Sequence[str], references: Sequence[Path] = ()) -> list[Bench]:
    """The benchmarks by PATH, NAME=PATH or MAP.toml, as `gen contamination` takes them.

    `references` are files in FastChat's layout (question_id, choices[].turns) with answers to be shown to the judge.
    """
    known = _references(references)
    found = []
    for spec in specs:
        name, path = _dialogues(spec)
        found.append(dialogue_bench(name, path) if path else _bench(load_all([spec])[0], known))
    for name, times in Counter(one.name for one in found).items():
        if times > 1:
            raise UsageError(f"--benchmark {name!r} is given {times} times: give each a name of its own, as NAME=PATH")
    return found


def _dialogues(spec: str) -> tuple[str, Path | None]:
    """Name and path where the benchmark is a file of dialogues, or a run's, a mixture's or a filter's folder."""
    name, equals, rest = spec.partition("=")
    named = bool(equals) and not Path(spec).exists()
    path = Path(rest if named else spec)
    known = path.is_dir() and standing_for(path) is not None
    return (name if named else path.name if path.is_dir() else path.stem), path if known or _talks(path) else None


def _talks(path: Path) -> bool:
    """Whether the first row of a file, or of a folder's first file, is a dialogue's."""
    try:
        first = next(rows_of(files(path)[0]), None)
        fields: Mapping[str, Any] = first.fields if first else {}
    except (UsageError, ValueError):  # told by whoever reads it as a benchmark
        return False
    return any(isinstance(fields.get(key), list) for key in ("messages", "conversations"))


def _bench(loaded: Benchmark, references: Mapping[str, tuple[str, ...]]) -> Bench:
    how = manner(loaded.layout)
    items = []
    for item in loaded.items:
        row = item.row if isinstance(item.row, dict) else {}
        category = _text(row.get(how.category)) if how.category else _folder_category(item.id)
        known = references.get(item.id) if "question_id" in row else None
        shown = known or _own_references(row, how, item.answer)
        if how.reference_categories and category not in how.reference_categories:
            shown = ()
        turns = item.question or ((item.passage,) if item.passage else ())
        passage = item.passage if item.question else None
        asked = Item(benchmark=loaded.name, id=item.id, turns=turns, category=category, references=shown)
        items.append(asked.model_copy(update={"passage": passage, "row": row}))
    return Bench(name=loaded.name, layout=loaded.layout, path=loaded.path, digest=loaded.digest, items=tuple(items))


def _own_references(row: Mapping[str, Any], how: Manner, answer: tuple[str, ...]) -> tuple[str, ...]:
    if how.references is None:
        return answer
    found = _text(row.get(how.references))
    return (found,) if found else ()


def _folder_category(id: str) -> str | None:
    """In a folder of files ids are FILE/NUMBER, and the file is the category."""
    file, slash, _ = id.rpartition("/")
    return file if slash and file else None


def _text(value: Any) -> str | None:
    """A field as text, its odd spaces plain: BELLE has a class with U+00A0, UltraChat classes with blanks around."""
    return " ".join(str(value).split()) if isinstance(value, str | int | float) and str(value).strip() else None


def _references(files: Sequence[Path]) -> dict[str, tuple[str, ...]]:
    """Reference answers by question id."""
    found: dict[str, tuple[str, ...]] = {}
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            raise UsageError(f"--references {file}: {error.strerror}") from None
        for place, row in rows(file, content):
            choices = row.get("choices") if isinstance(row, dict) else None
            turns = choices[0].get("turns") if isinstance(choices, list) and choices else None
            if not isinstance(row, dict) or "question_id" not in row or not isinstance(turns, list):
                raise UsageError(
                    f"--references {place}: expected question_id and choices[].turns, as FastChat has them"
                )
            found[str(row["question_id"])] = tuple(map(str, turns))
    return found


def dialogue_bench(name: str, path: Path) -> Bench:
    """Dialogues as items: what the user says in each, turn by turn; the row holds the whole dialogue.

    Those of a mixture are taken in turn from its parts, so that its first ones are of all sectors.
    """
    runs = runs_in(path)
    parts = [[_item(name, one) for one in read(part)] for part in ([path] if runs is None else runs)]
    items = tuple(item for turn in zip_longest(*parts) for item in turn if item is not None and item.turns)
    if not items:
        raise UsageError(f"--benchmark {path}: no dialogue in it")
    digest = (hex64(item.id, *item.turns) for part in parts for item in part)
    return Bench(name=name, layout=DIALOGUES, path=str(path), digest=hex64(*digest), items=items)


def _item(benchmark: str, dialogue: Dialogue) -> Item:
    turns = tuple(message.content for message in dialogue.messages if message.role == "user")
    return Item(
        benchmark=benchmark,
        id=dialogue.id,
        turns=turns,
        category=dialogue.sector,
        system=next((message.content for message in dialogue.messages[:1] if message.role == "system"), None),
        row=orjson.loads(encode(dialogue)),
    )
