"""Dialogues in Parquet: for each layout a schema, so that the first batch of a file fixes nothing by chance.

Parts of free form (a seed, tool calls, candidates) are texts of JSON; which ones is in the file's metadata, and reading
them here gives back what was written.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow
import pyarrow.json
import pyarrow.parquet

from dialogue.conversion.tables import JSON_COLUMNS

BATCH_BYTES = 8 << 20
JSON = "json"
Kind = Any
"""A name of `_PLAIN`, `json`, a list of one kind, or an object of kinds."""

_PLAIN = {"text": pyarrow.string(), "number": pyarrow.float64(), "count": pyarrow.int64(), JSON: pyarrow.string()}
_MESSAGE = {"role": "text", "content": "text"}
_TURN = {"from": "text", "value": "text", "weight": "number"}
_SPOKEN = {**_MESSAGE, "reasoning_content": "text", "tool_calls": JSON, "tool_call_id": "text", "name": "text"}
_TRIPLE = {"id": "text", "instruction": "text", "input": "text", "output": "text"}
SCHEMAS: dict[str, dict[str, Kind]] = {
    "messages": {
        "id": "text",
        "sector": "text",
        "messages": [
            {
                **_MESSAGE,
                **dict.fromkeys(("thoughts", "tool_call_id", "name", "finish_reason", "model"), "text"),
                "weight": "number",
                **dict.fromkeys(("tool_calls", "scores", "candidates"), JSON),
            }
        ],
        "seed": JSON,
        **dict.fromkeys(("stop", "user_model", "assistant_model"), "text"),
        "usage": JSON,
        "cost_usd": "number",
        "scores": JSON,
        **dict.fromkeys(("run", "created"), "text"),
    },
    "sharegpt": {"id": "text", "conversations": [_TURN]},
    "ultrachat": {"id": "text", "data": ["text"]},
    "alpaca": {**_TRIPLE, "history": [["text"]], "system": "text"},
    "belle": _TRIPLE,
    "belle_chat": _TRIPLE,
    "guanaco": _TRIPLE,
    "dolly": {"id": "text", "instruction": "text", "context": "text", "response": "text", "category": "text"},
    "pclue": {"id": "text", "input": "text", "target": "text", "type": "text", "answer_choices": JSON},
    "cot": {"id": "text", "question": "text", "rationale": "text", "answer": "text"},
    "baize": {"id": "text", "topic": "text", "input": "text"},
    "mt_bench_101": {"task": "text", "id": "text", "history": [{"user": "text", "bot": "text"}]},
    "openchat": {
        "id": "text",
        "items": [{**_MESSAGE, "weight": "number"}],
        "condition": "text",
        "system": "text",
    },
    "chosen_rejected": {
        "id": "text",
        **{name: [_MESSAGE] for name in ("prompt", "chosen", "rejected")},
        "candidates": JSON,
    },
    "prompt_completion": {
        "id": "text",
        "prompt": [_SPOKEN],
        "completion": [{**_SPOKEN, "weight": "number"}],
    },
    "webgpt": {
        "id": "text",
        "question": "text",
        **{f"{name}_{one}": kind for one in (0, 1) for name, kind in (("answer", "text"), ("score", "number"))},
    },
    "ultrafeedback": {"id": "text", "source": "text", "instruction": "text", "models": ["text"], "completions": JSON},
    "stackexchange": {"qid": "text", "question": "text", "answers": JSON},
    "moss": {
        "conversation_id": "text",
        "meta_instruction": "text",
        "num_turns": "count",
        "chat": JSON,
        "category": "text",
    },
    "oasst_guanaco": {"id": "text", "text": "text"},
    "oasst": {"message_tree_id": "text", "prompt": JSON},
}


def _type(kind: Kind) -> pyarrow.DataType:
    if isinstance(kind, list):
        return pyarrow.list_(_type(kind[0]))
    if isinstance(kind, dict):
        return pyarrow.struct([(name, _type(one)) for name, one in kind.items()])
    return _PLAIN[kind]


def _json_columns(kind: Kind, path: str = "") -> list[str]:
    """Dotted paths of parts that are texts of JSON."""
    if kind == JSON:
        return [path]
    if isinstance(kind, list):
        return _json_columns(kind[0], path)
    if isinstance(kind, dict):
        return [one for name, part in kind.items() for one in _json_columns(part, f"{path}.{name}" if path else name)]
    return []


class ParquetFile:
    """A file that lines of one layout are written to."""

    def __init__(self, path: Path, format: str) -> None:
        kinds = SCHEMAS[format]
        self._kinds = kinds
        self._columns = _json_columns(kinds)
        metadata = {JSON_COLUMNS: orjson.dumps(self._columns)} if self._columns else None
        self._schema = pyarrow.schema([(name, _type(kind)) for name, kind in kinds.items()], metadata)
        self._writer = pyarrow.parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._lines: list[bytes] = []
        self._size = 0

    def write(self, lines: bytes) -> None:
        """One or more lines of a dialogue."""
        self._lines.append(lines)
        self._size += len(lines)
        if self._size >= BATCH_BYTES:
            self._flush()

    def close(self) -> None:
        """Write what is left, and the end of the file."""
        if self._lines:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        data = b"".join(self._lines)
        self._lines, self._size = [], 0
        if self._columns:
            table = self._made(data)
        else:
            table = self._parsed(data)
        self._writer.write_table(table)

    def _made(self, data: bytes) -> pyarrow.Table:
        rows = [_texts(orjson.loads(line), self._kinds) for line in data.split(b"\n") if line]
        return pyarrow.Table.from_pylist(rows, schema=self._schema)

    def _parsed(self, data: bytes) -> pyarrow.Table:
        """The same by Arrow's own parser, in a third of the time, where every value is of its column's kind."""
        options = pyarrow.json.ParseOptions(explicit_schema=self._schema, unexpected_field_behavior="ignore")
        read = pyarrow.json.ReadOptions(block_size=len(data) + 1, use_threads=False)
        try:
            return pyarrow.json.read_json(pyarrow.BufferReader(data), read_options=read, parse_options=options)
        except pyarrow.ArrowException:
            return self._made(data)


def _texts(value: Any, kind: Kind) -> Any:
    """The value with its parts of free form as texts of JSON."""
    if value is None:
        return None
    if kind == JSON:
        return orjson.dumps(value).decode()
    if isinstance(kind, list):
        return [_texts(one, kind[0]) for one in value]
    if isinstance(kind, Mapping):
        return {name: _texts(value.get(name), one) for name, one in kind.items()}
    if kind == "text" and not isinstance(value, str):
        return orjson.dumps(value).decode()
    return value
