"""Ids and shapes of a block's rows, kept on disk: who asks for nothing else need not read the block again."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import orjson

from dialogue.jsonl import write_atomically
from filters.engine.base import sources


@dataclass(slots=True)
class Info:
    """Ids and shapes of a block's rows."""

    ids: list[str] = field(default_factory=list)
    native: list[bool] = field(default_factory=list)
    """Rows that are records of ours already, and can be copied as they are."""
    refused: dict[int, str] = field(default_factory=dict)
    """Rows that are no dialogue, and why."""
    lines: list[int] = field(default_factory=list)
    """The line of each row in the block, from 0; empty where no line is blank, so that it is the row's number."""

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """What is kept in a block's folder; None where that is nothing, or nothing that can be read."""
        try:
            return cls.from_json(orjson.loads(_path(folder).read_bytes()))
        except (OSError, orjson.JSONDecodeError):
            return None

    def write(self, folder: Path) -> None:
        """Keep it in a block's folder."""
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(_path(folder), (orjson.dumps(self.to_json()),))

    def to_json(self) -> dict[str, Any]:
        """As an object that `from_json` reads."""
        bits = b64encode(np.packbits(np.array(self.native, np.bool_)).tobytes()).decode()
        refused = {str(row): why for row, why in self.refused.items()}
        return {"ids": self.ids, "native": bits, "refused": refused, "lines": self.lines}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """The info in an object."""
        bits = np.frombuffer(b64decode(fields["native"]), np.uint8)
        native = np.unpackbits(bits, count=len(fields["ids"])).astype(bool).tolist()
        return cls(fields["ids"], native, {int(row): why for row, why in fields["refused"].items()}, fields["lines"])


def _path(folder: Path) -> Path:
    return folder / f"info-{sources()}.json"  # other code may read other rows as dialogues
