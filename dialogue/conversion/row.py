"""A row of any file, decoded only when someone looks."""

from pathlib import Path
from typing import Any

import orjson

from dialogue.jsonl import kind_of


class Row:
    """A row: its bytes, and its fields or what is wrong with it, found out when it is asked for."""

    __slots__ = ("_fields", "_trouble", "line", "number", "path")

    def __init__(
        self, path: Path, number: int, line: bytes, fields: dict[str, Any] | None = None, trouble: str | None = None
    ) -> None:
        """`number` is the line of the file, from 1; of an array or Parquet the row. `line` is JSON, if there is any."""
        self.path = path
        self.number = number
        self.line = line
        self._fields = fields
        self._trouble = trouble

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
            raise ValueError(f"not JSON ({str(error).partition(': line')[0]})") from None
        if not isinstance(fields, dict):
            raise ValueError(f"{kind_of(fields)}, expected a JSON object")
        return fields
