"""Our own judgments.jsonl."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluator.judging import judgment
from evaluator.stored import Row


def fits(row: Mapping[str, Any]) -> bool:
    """Whether the row is one of ours."""
    return "protocol" in row and "shown" in row and "state" in row


def judgments(row: Mapping[str, Any], path: Path) -> list[Row]:
    """The judgment itself; a call that failed stays one."""
    found = judgment(row)
    return [Row(found, found.verdict)]
