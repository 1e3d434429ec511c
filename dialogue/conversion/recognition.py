"""From a row to its dialogues: by a format that was named, or by the first whose mark the row bears."""

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol

from dialogue.conversion.row import Row
from dialogue.conversion.strangers import refuse, stranger
from dialogue.errors import UsageError
from dialogue.formats import field_map, messages, oasst, sharegpt_pages
from dialogue.formats.reading import known, named, names
from dialogue.records import Dialogue, content_id


class Reader(Protocol):
    """What reads a layout: a module of dialogue/formats, or a field map."""

    def recognise(self, fields: dict[str, Any], /) -> bool: ...

    def from_object(self, fields: dict[str, Any], /) -> Dialogue: ...


def name_of(reader: Any) -> str:
    """The name of a layout."""
    name: str = reader.name if isinstance(reader, field_map.FieldMap) else reader.__name__.rpartition(".")[2]
    return name


def readers(from_: str) -> Sequence[Reader]:
    """`auto`: all that may be recognised; a format's name; a field map's, or the path of its TOML file."""
    if from_ == "auto":
        return [
            *known(),
            sharegpt_pages,
            *(field_map.loaded(field_map.FOLDER / f"{name}.toml") for name in field_map.shipped()),
        ]
    if from_.endswith(".toml"):
        return [field_map.loaded(Path(from_))]
    if from_ in field_map.shipped():
        return [field_map.loaded(field_map.FOLDER / f"{from_}.toml")]
    if from_ == "sharegpt_pages":
        return [sharegpt_pages]
    if from_ not in names():
        near = get_close_matches(from_, ["auto", *names(), "sharegpt_pages", *field_map.shipped()], n=1)
        hint = f"did you mean {near[0]}?" if near else "`gen convert --list` prints them"
        raise UsageError(f"--from {from_}: no such format ({hint}; FILE.toml is a field map, `auto` asks each row)")
    return [named(from_)]


class Recogniser:
    """Reads rows, and counts what they were recognised as."""

    def __init__(self, from_: str = "auto", paths: oasst.Paths = "best") -> None:
        self._readers = readers(from_)
        self._paths = paths
        self.asked = from_ != "auto"
        self._native = self._readers[0] is messages
        """Whether the next row is likely to be a record of ours: the last one was."""
        self._said: dict[int, str] = {}
        self.folds = False
        """Whether the last row was of a layout whose rows may begin longer ones."""
        self.counts: Counter[str] = Counter()
        """Rows by format."""

    def reader(self, fields: dict[str, Any]) -> Reader | None:
        """What reads an object; None where nothing does. A format that was asked for reads all."""
        if self.asked:
            return self._readers[0]
        return next((one for one in self._readers if one.recognise(fields)), None)

    def part_of_tree(self, row: Row) -> bool:
        """Whether the row is one message of a tree, to be put together with others first."""
        if row.line and (b'"role"' not in row.line or b'"text"' not in row.line):  # most rows end here, undecoded
            return False
        try:
            fields = row.fields
        except ValueError:
            return False
        return oasst.part(fields) and self.reader(fields) is oasst

    def dialogues(self, row: Row) -> Iterator[Dialogue]:
        """The dialogues of a row, most often one. ValueError, in one line, where there is none."""
        if self._native and row.line and (dialogue := messages.native(row.line)) is not None:
            self.counts["messages"] += 1
            self.folds = False
            yield dialogue
            return
        reader = self.reader(row.fields)
        self._native = reader is messages and "id" in row.fields  # a record of ours has one
        if reader is None:
            raise ValueError(stranger(row.fields))
        refuse(row.fields)
        self.counts[name_of(reader)] += 1
        self.folds = bool(getattr(reader, "folds", False))
        if reader is oasst:
            yield from oasst.several(row.fields, self._paths)
            return
        dialogue = reader.from_object(row.fields)
        if getattr(reader, "unique", False):
            self._check_new(dialogue, row)
        yield dialogue

    def _check_new(self, dialogue: Dialogue, row: Row) -> None:
        """ValueError where the same was said before; by a hash that is the same in every run."""
        said = int(content_id(dialogue.messages), 16)
        if said in self._said:
            raise ValueError(f"an exact copy of {self._said[said]}")
        self._said[said] = row.place

    def about(self) -> list[str]:
        """What was recognised, with the fields that it is known by, the most frequent first."""
        abouts = {name_of(one): getattr(one, "about", "") for one in self._readers}
        rows = "as asked" if self.asked else "recognised by its fields"
        return [f"{name}: {count:,} rows ({abouts[name]}; {rows})" for name, count in self.counts.most_common()]
