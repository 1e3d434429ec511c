"""The lines of a block as dialogues, decoded only where someone looks."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import orjson
from pydantic import ValidationError
from xxhash import xxh3_128_hexdigest

from dialogue.conversion.recognition import Reader, name_of, readers
from dialogue.conversion.row import Row as Raw
from dialogue.conversion.strangers import UNKNOWN, refuse, stranger
from dialogue.errors import UsageError
from dialogue.formats import messages
from dialogue.formats.reading import named
from dialogue.jsonl import kind_of
from dialogue.reading import AUTO, told
from dialogue.records import Dialogue, encode
from filters.engine.blocks import Block
from filters.engine.paths import value_at

_RECORD = Dialogue.__pydantic_validator__
MOST_NAMES = 80
"""Characters of the names of fields that are told."""


class Refused(ValueError):
    """JSON, but no dialogue."""


def formats(name: str | None) -> Sequence[Reader]:
    """The format of this name, or all that are recognised, our own first."""
    return readers(name or AUTO)


class Row:
    """One line."""

    def __init__(self, line: bytes, formats: Sequence[Reader]) -> None:
        self.line = line
        self._formats = formats

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The line's object; Refused where it is none."""
        value = orjson.loads(self.line)
        if not isinstance(value, dict):
            raise Refused(f"{kind_of(value)}, expected a JSON object")
        return value

    @cached_property
    def _own(self) -> Dialogue | None:
        """The dialogue of a line that is a whole record of ours; pydantic's parser takes half the time of two steps."""
        if self._formats[0] is not messages or b"NaN" in self.line or b"Infinity" in self.line:
            return None
        try:
            dialogue = _RECORD.validate_json(self.line)
        except ValidationError:
            return None
        return dialogue if dialogue.id and dialogue.messages else None

    @cached_property
    def dialogue(self) -> Dialogue:
        """The dialogue; Refused where the object is none of any known format."""
        if self._own is not None:
            return self._own
        found = next((one for one in self._formats if one.recognise(self.fields)), None)
        if found is None:
            raise Refused(self._strange())
        try:
            refuse(self.fields)
            dialogue: Dialogue = found.from_object(self.fields)
        except ValueError as error:
            raise Refused(str(error)) from None
        return dialogue

    def _strange(self) -> str:
        """What the object is, and the mend."""
        if len(self._formats) == 1:
            there = f"fields: {', '.join(self.fields)[:MOST_NAMES] or 'none'}"
            what = f"no dialogue of the format {name_of(self._formats[0])} ({there})"
        elif not (what := stranger(self.fields)).startswith(UNKNOWN):
            return what
        return f"{what}; others than those of `gen convert --list` are read by `gen convert --from MAP.toml`"

    @property
    def native(self) -> bool:
        """Whether the line is a record of ours already, so that it can be copied as it is."""
        return self._own is not None

    def record(self) -> bytes:
        """The dialogue as a line of ours, newline included."""
        return self.line + b"\n" if self.native else encode(self.dialogue)

    def text(self, level: Literal["dialogue", "opener"]) -> str:
        """What is compared: all contents but the system message's, or the first user message."""
        said = [message for message in self.dialogue.messages if message.role != "system"]
        if level == "opener":
            return next((message.content for message in said if message.role == "user"), "")
        return "\n".join(message.content for message in said)

    def number(self, path: str | None) -> float | None:
        """The number in a field of the record, given as a dotted path; None where there is none."""
        if path is None:
            return None
        value = value_at(self.dialogue, path)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


class Rows:
    """All lines of a block, blank ones left out."""

    def __init__(self, block: Block, format: str | None = None) -> None:
        self.block = block
        data = block.read()
        self.digest = xxh3_128_hexdigest(data)
        """Stands for the bytes: what was computed of equal blocks is shared."""
        self._lines = data.split(b"\n")
        self.places = [place for place, line in enumerate(self._lines) if line and not line.isspace()]
        self.torn = self._torn(data)
        self.formats = formats(format)

    def __len__(self) -> int:
        return len(self.places)

    @property
    def lines(self) -> int:
        """Lines of the block, blank ones included."""
        return len(self._lines) - 1

    def line(self, number: int) -> bytes:
        """A row's bytes, without the newline."""
        return self._lines[self.places[number]]

    def row(self, number: int) -> Row:
        """The row of this number, counted from 0. Raises UsageError with `path:line` where it is not JSON."""
        row = Row(self.line(number), self.formats)
        try:
            if row.native:
                return row
            row.fields  # noqa: B018  decodes
        except orjson.JSONDecodeError as error:
            why = told(Raw(self.block.path, self._first_line + self.places[number], row.line), f"not JSON ({error})")
            raise UsageError(f"{self.place(number)}: {why}") from None
        except Refused:
            pass
        return row

    def edited(self, line: bytes) -> Row:
        """A row whose line a filter wrote."""
        return Row(line.rstrip(b"\n"), [named("messages")])

    def place(self, number: int) -> str:
        """`path:line` of a row; of an array's elements `path: row N`."""
        return self.block.place(self._first_line + self.places[number])

    @cached_property
    def _first_line(self) -> int:
        return self.block.line_number(0)

    def _torn(self, data: bytes) -> bool:
        """Whether the last line of the file was cut off while it was written; it is then left out."""
        if not self.block.last or data.endswith(b"\n") or not self.places:
            return False
        try:
            orjson.loads(self._lines[self.places[-1]])
        except orjson.JSONDecodeError:
            self.places.pop()
            return True
        return False
