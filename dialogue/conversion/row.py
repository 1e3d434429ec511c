"""A row of any file, decoded only when someone looks."""

from pathlib import Path
from typing import Any

import orjson

from dialogue.jsonl import kind_of


class Row:
    """A row: its bytes, and its fields or what is wrong with it, found out when it is asked for."""

    __slots__ = ("_fields", "_trouble", "_unended", "line", "number", "path")

    def __init__(
        self,
        path: Path,
        number: int,
        line: bytes,
        fields: dict[str, Any] | None = None,
        trouble: str | None = None,
        unended: bool = False,
    ) -> None:
        """`number` is the line of the file, from 1; of an array or Parquet the row. `line` is JSON, if there is any.

        `unended`: it is the last line of a file, and no newline ends it.
        """
        self.path = path
        self.number = number
        self.line = line
        self._fields = fields
        self._trouble = trouble
        self._unended = unended

    @property
    def place(self) -> str:
        """`path:number`."""
        return f"{self.path}:{self.number}"

    @property
    def fields(self) -> dict[str, Any]:
        """Its object; ValueError, in one line, where it is none."""
        if self._fields is None:
            self._fields = self._decoded()
        return self._fields

    @property
    def torn(self) -> bool:
        """Whether whoever wrote the file was stopped within this line, its last."""
        if not self._unended or not self.line.lstrip().startswith((b"{", b"\0")):  # zeros: of a power cut
            return False
        try:
            orjson.loads(self.line)
        except orjson.JSONDecodeError:
            return True
        return False

    def as_line(self) -> bytes:
        """Its JSON in one line, the newline included; ValueError, in one line, where it has none."""
        if self._trouble is not None:
            raise ValueError(self._trouble)
        try:
            value = orjson.loads(self.line) if self._fields is None else self._fields
            if (line := self.line.strip()) and b"\n" not in line:
                return line + b"\n"
            return orjson.dumps(value, default=str, option=orjson.OPT_APPEND_NEWLINE)
        except orjson.JSONDecodeError as error:
            raise ValueError(_no_json(error, self.line)) from None
        except orjson.JSONEncodeError:
            raise ValueError("nested too deeply") from None

    def text(self, most: int) -> str:
        """So many bytes of it, for a person."""
        line = self.line or orjson.dumps(self._fields, default=str)
        return line[:most].decode("utf-8", "replace").rstrip("\r\n")

    def _decoded(self) -> dict[str, Any]:
        if self._trouble is not None:
            raise ValueError(self._trouble)
        try:
            fields = orjson.loads(self.line)
        except orjson.JSONDecodeError as error:
            raise ValueError(_no_json(error, self.line)) from None
        if not isinstance(fields, dict):
            raise ValueError(f"{kind_of(fields)}, expected a JSON object")
        return fields


def _no_json(error: orjson.JSONDecodeError, line: bytes) -> str:
    why = str(error).partition(": line")[0]
    if line[error.pos : error.pos + 3] in (b"NaN", b"Inf", b"-In"):
        why = "NaN and Infinity are no numbers of it"
    return f"not JSON ({why})"
