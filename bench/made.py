"""Reads the files of a run folder as anyone could, without the engine's own code, so that it checks that code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

Turns = dict[tuple[int, int], tuple[str, str]]
"""(dialogue's index, place of the message) -> (role, content)."""


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file; a torn last line is left out, an absent file is empty."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield orjson.loads(line)


def journalled(folder: Path) -> Turns:
    """Every finished turn of the journal."""
    return {
        (event["i"], event["n"]): (event["message"]["role"], event["message"]["content"])
        for event in rows(folder / "journal.jsonl")
        if event["k"] == "turn"
    }


def answered(folder: Path) -> tuple[int, int]:
    """Requests whose answer is on disk, whatever became of it: of dialogues, and of the opener writer."""
    events = (event for event in rows(folder / "journal.jsonl") if event["k"] in ("turn", "reply", "spent"))
    files = events, rows(folder / "lists.jsonl")
    turns, lists = (sum(int(paid["usage"]["requests"]) for paid in file) for file in files)
    return turns, lists


def said(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The messages under each id, those of failed dialogues too."""
    files = (folder / "dialogues.jsonl", folder / "failures.jsonl")
    return {row["id"]: row["messages"] for path in files for row in rows(path)}


def ids(folder: Path) -> list[str]:
    """The id on every line of dialogues.jsonl."""
    return [row["id"] for row in rows(folder / "dialogues.jsonl")]


def openers(folder: Path) -> list[tuple[str, str]]:
    """Id and text of every opener, in the order of the plan."""
    return [(row["id"], row["opener"]) for row in rows(folder / "openers.jsonl")]
