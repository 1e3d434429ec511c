"""Where a sector's tree is rooted: topics from TOML, entities from JSON Lines, or a file of the user's own.

A user's file may hold plain lines (one name each), JSON Lines, an array or a table with `name`, `label` or `entity`, or
entities of a Wikidata JSON dump. A row that cannot be read is an error
with its place; nothing is passed over in silence.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, overload

import orjson
from pydantic import Field, model_validator

from dialogue.chance import hash64
from dialogue.errors import UsageError
from dialogue.records import Record
from prompts.brought import JSON, as_lines, by, lacking, no_object, text_of
from prompts.domain import Page
from prompts.knowledge import Knowledge
from prompts.loader import Prompts
from prompts.materials import Form, Material, Piece, material
from prompts.seed_tasks import Task, tasks

NAME_KEYS = ("name", "label", "entity")
DETAIL_KEYS = ("kind", "region", "description")
MAX_CHARACTERS = 300
"""A longer name is a file of another kind given by mistake."""


class Source(Record):
    """A list that the tree grows from."""

    name: str
    file: str
    """File in the sector's folder: TOML with one table of names by language, or JSON Lines with `name`."""
    what: str
    """What its items are called in the prompts."""
    input: bool = False
    """Whether --input FILE replaces it."""
    material: Form | None = None
    """How a file of material is read: the sector then has none of its own, `file` only shows what its prompts are
    like, and a run needs --input."""

    tasks: str | None = None
    """The kind of seed task that it holds ("open"; "any" for all), where its file, and that of --input, has such."""

    page: Literal["knowledge", "decline"] | None = None
    """What it takes of a page about an assistant, where its file, and that of --input, is one (prompts/domain.py)."""

    @model_validator(mode="after")
    def _is_brought(self) -> "Source":
        if self.material and not self.input:
            raise ValueError(f"source {self.name}: material comes by --input; expected input = true")
        return self


class Root(Record):
    """One item of a source."""

    what: str
    """What it is: "Topic", "Entity"."""
    name: str
    """Its name in the language of the dialogue, where known."""
    details: dict[str, str] = Field(default_factory=dict)
    """Kind, region or description, where known."""
    piece: Piece | None = None
    """The passage or seed that it is, where the source is a file of material."""
    task: Task | None = None
    """The seed task that it is, where the source holds such."""

    @property
    def path(self) -> tuple[tuple[str, str], ...]:
        """The first step of a branch: ("Entity", "Nile (river, Africa)")."""
        details = ", ".join(self.details.values())
        return ((self.what, f"{self.name} ({details})" if details else self.name),)


class Pieces(Sequence[Root]):
    """The rows of a file of material in one language; a row is read when it is asked for."""

    def __init__(self, found: Material | Knowledge, what: str, numbers: Sequence[int]) -> None:
        self._material, self._what, self._numbers = found, what, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, place: int) -> Root: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Root]: ...
    def __getitem__(self, place: int | slice) -> Root | Sequence[Root]:
        if isinstance(place, slice):
            return Pieces(self._material, self._what, self._numbers[place])
        piece = self._material[self._numbers[place]]
        return Root(what=self._what, name=" ".join(piece.text.split()), piece=piece)


def from_material(path: Path, form: Form, what: str, language: str, *, shown: bool) -> Sequence[Root]:
    """The roots in a file of material that serve a language. `shown`: an example, which may be in another one."""
    return _serving(path, material(path, form), what, language, shown)


def from_page(page: Page, source: Source, language: str, *, shown: bool) -> Sequence[Root]:
    """The sources of a page's knowledge that serve a language, or what the page declines."""
    if source.page == "decline":
        return [Root(what=source.what, name=one.what) for one in page.decline]
    return _serving(page.path, page.sources, source.what, language, shown)


def _serving(path: Path, found: Material | Knowledge, what: str, language: str, shown: bool) -> Sequence[Root]:
    numbers = found.of(language)
    if not numbers and not shown:
        there = ", ".join(str(name) for name in found.languages)
        raise UsageError(f"--input {path}: no row in {language} (there are: {there})")
    return Pieces(found, what, numbers or range(len(found)))


def from_tasks(own: str, brought: Path | None, source: Source, language: str) -> list[Root]:
    """The seed tasks of a source in a language: those of the sector's own file, or of the user's in its place."""
    text, place = (own, source.file) if brought is None else (text_of(brought, "--input"), f"--input {brought}")
    found = tasks(text, place, source.tasks or "", language, shown=brought is None)
    return [Root(what=source.what, name=task.line, task=task) for task in found]


def from_data(prompts: Prompts, file: str, what: str, language: str) -> list[Root]:
    """The roots in a data file of the sector."""
    place = str(prompts.path(file))
    if file.endswith(".toml"):
        found = list(_from_toml(prompts.data(file), place, what, language))
    else:
        found = list(_read(prompts.read(file).encode().split(b"\n"), place, what, language))
    if not found:
        raise UsageError(f"{place}: empty")
    return found


def from_input(path: Path, what: str, language: str) -> list[Root]:
    """The roots in a user's file."""
    with by("--input"):
        rows = as_lines(path)
        if rows is not None:
            found = list(_read(rows, str(path), what, language))
        else:
            with path.open("rb") as lines:
                found = list(_read(lines, str(path), what, language, as_json=path.suffix.lower() in JSON))
    if not found:
        raise UsageError(f"--input {path}: empty, expected one {what.lower()} a line")
    return found


def _from_toml(tables: Mapping[str, Any], place: str, what: str, language: str) -> Iterator[Root]:
    """One root for each table of names by language."""
    for name, rows in tables.items():
        for number, row in enumerate(rows if isinstance(rows, list) else [rows], 1):
            try:
                yield Root(what=what, name=_named(row, language))
            except ValueError as error:
                raise UsageError(f"{place}: [[{name}]] number {number}: {error}") from None


def _read(lines: Iterable[bytes], place: str, what: str, language: str, *, as_json: bool = False) -> Iterator[Root]:
    """One root for each line that is not blank; `as_json`: none is plain."""
    first: dict[int, int] = {}
    for number, raw in enumerate(lines, 1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip().rstrip(",")
            if not line or line in ("[", "]"):
                continue
            earlier = first.setdefault(hash64(line), number)
            if earlier != number:
                raise ValueError(f"{line[:60]!r} stands in line {earlier} already")
            yield _root(line, what, language, as_json)
        except UnicodeDecodeError:
            raise UsageError(f"{place}:{number}: not UTF-8; save it as UTF-8") from None
        except ValueError as error:
            raise UsageError(f"{place}:{number}: {error}") from None


def _root(line: str, what: str, language: str, as_json: bool) -> Root:
    if not as_json and not line.startswith(("{", "[", '"')):
        return Root(what=what, name=_plain(line))
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error})") from None
    if isinstance(row, str):
        return Root(what=what, name=_plain(row))
    if not isinstance(row, dict):
        raise no_object(row, "a JSON object or a name")
    if isinstance(row.get("labels"), dict):
        return _from_wikidata(row, what, language)
    key = next((key for key in NAME_KEYS if row.get(key)), None)
    if key is None:
        raise lacking(row, f"no name: expected one of {', '.join(NAME_KEYS)}")
    name = _named({"en": row[key]} | {code: row[code] for code in _fallbacks(language) if row.get(code)}, language)
    return Root(what=what, name=name, details={key: _plain(row[key]) for key in DETAIL_KEYS if row.get(key)})


def _from_wikidata(row: Mapping[str, Any], what: str, language: str) -> Root:
    """The entity with its label and description in the language, else in English."""
    labels = _values(row["labels"])
    descriptions = _values(row.get("descriptions"))
    details = {"description": _named(descriptions, language)} if _known(descriptions, language) else {}
    return Root(what=what, name=_named(labels, language), details=details)


def _values(terms: object) -> dict[str, Any]:
    """{language: text} of Wikidata's {language: {"language": ..., "value": text}}."""
    pairs = terms.items() if isinstance(terms, dict) else ()
    return {code: term.get("value") for code, term in pairs if isinstance(term, dict)}


def _named(names: object, language: str) -> str:
    """The name in the language, its base language or English."""
    code = _known(names, language) if isinstance(names, dict) else None
    if not isinstance(names, dict) or code is None:
        raise ValueError(f"no name in {language} or en: {str(names)[:80]}")
    return _plain(names[code])


def _known(names: Mapping[str, Any], language: str) -> str | None:
    """The best code under which there is a name; "mul" is Wikidata's for a name that all languages share."""
    return next((code for code in (*_fallbacks(language), "en", "mul") if names.get(code)), None)


def _fallbacks(language: str) -> tuple[str, ...]:
    """The codes under which a name in the language may stand: ("zh-HK", "zh-hk", "zh")."""
    return tuple(dict.fromkeys((language, language.lower(), language.split("-")[0])))


def _plain(value: object) -> str:
    """The value as one line of text."""
    if not isinstance(value, str):
        raise ValueError(f"{str(value)[:40]!r} is a {type(value).__name__}, expected text")
    line = " ".join(value.split())
    if not line:
        raise ValueError("a name of white space only")
    if len(line) > MAX_CHARACTERS:
        raise ValueError(f"{line[:40]!r}... is longer than {MAX_CHARACTERS} characters: expected a name")
    return line
