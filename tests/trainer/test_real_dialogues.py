"""Rendering of real dialogues: equal to Jinja, and to the text that the seed systems' own files hold."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from spoken import by_jinja, rendering

from dialogue.records import Dialogue, Message
from trainer.text.example import IGNORE_INDEX
from trainer.text.template import names


def _rows(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().split(b"\n") if line]


@pytest.mark.parametrize("template", names())
def test_real_dialogues_get_the_ids_and_masks_of_the_exported_template(template: str, shared: Path) -> None:
    made = rendering(template)
    for row in _rows(shared / "data" / "dialogues" / "ultrachat_700.jsonl")[:40]:
        messages = tuple(Message(role=m["role"], content=m["content"]) for m in row["messages"])
        if template == "alpaca" and any(not m.content[:1].isalnum() for m in messages if m.role == "assistant"):
            continue  # punctuation behind a colon is merged with it
        example = made.encode(Dialogue(id="d", messages=messages))
        ids, mask = by_jinja(made, Dialogue(id="d", messages=messages))
        assert example.input_ids.tolist() == ids
        assert (example.labels != IGNORE_INDEX).astype(int).tolist() == mask


def _moss(row: dict[str, Any]) -> tuple[Dialogue, str] | None:
    """A MOSS row with plugins as a dialogue, and its text as MOSS's trainer reads it; None where a turn uses none,
    or one (drawing) whose result stands on the line of its tag."""
    messages = [Message(role="system", content=row["meta_instruction"])]
    text = row["meta_instruction"]
    for turn in row["chat"].values():
        said = {key: re.sub(r"^<\|[^|]+\|>:\s|<eo[a-z]>\n$", "", words) for key, words in turn.items()}
        if said["Commands"] == "None" or not turn["Tool Responses"].startswith("<|Results|>:\n"):
            return None
        results = said["Tool Responses"].removesuffix("\n")
        messages += [
            Message(role="user", content=said["Human"]),
            Message(role="assistant", content="", thoughts=said["Inner Thoughts"], tool_calls=[said["Commands"]]),
            Message(role="tool", content=results),
            Message(role="assistant", content=said["MOSS"]),
        ]
        text += "".join(turn.values())
    return Dialogue(id="d", messages=tuple(messages)), text


def test_plugin_dialogues_of_moss_are_written_as_moss_writes_them(shared: Path) -> None:
    made = rendering("moss", thoughts="keep")
    rows = [_moss(row) for row in _rows(shared / "data" / "formats" / "moss_sample.jsonl") if "Commands" in str(row)]
    plugged = [row for row in rows if row is not None]
    assert len(plugged) >= 5
    for dialogue, text in plugged:
        assert made.tokenizer.decode(made.encode(dialogue).input_ids) == text


def test_baize_rows_are_written_as_baize_writes_them(shared: Path) -> None:
    made = rendering("baize")
    for row in orjson.loads((shared / "data" / "formats" / "baize_korean_96.json").read_bytes())[:40]:
        header, *turns = re.split(r"\n\[\|(?:Human|AI)\|\] ?", row["input"])
        spoken = [turn for turn in turns if turn]
        roles = ("user", "assistant")
        said = [Message(role=roles[number % 2], content=words) for number, words in enumerate(spoken)]
        dialogue = Dialogue(id="d", messages=(Message(role="system", content=header), *said))
        written = made.tokenizer.decode(made.encode(dialogue).input_ids)
        assert written == row["input"].rstrip(" ")
