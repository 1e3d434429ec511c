"""Answers in the layouts of AlpacaEval, FastChat and Arena-Hard, and in ours: read, matched to items, and written.

alpaca_eval   a JSON array of {instruction, output, generator}; items are known by their instruction
fastchat      JSON Lines of {question_id, model_id, choices[].turns[]}; a choice is a sample
arena_hard    the same with turns[].content (0.1), or {uid, model, messages[]} (2.0)
ours          answers.jsonl of an evaluation's folder, a line a turn; and dialogues, known by what the user says
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from dialogue.chance import hex64
from dialogue.errors import UsageError
from evaluator.records import Answer, Item
from filters.leaks.readers import rows

LAYOUTS = ("alpaca_eval", "fastchat", "arena_hard")
"""Those that are written."""


class Found(NamedTuple):
    """One answer of a file, before it is known whose item it is."""

    system: str
    item: str | None
    asked: tuple[str, ...]
    """What the user says, where the file tells."""
    turns: tuple[str, ...]
    sample: int = 0
    benchmark: str | None = None
    """Where the file tells it."""


def read(path: Path, name: str | None = None) -> list[Found]:
    """The answers of a file; `name` stands for the name that it gives its system. Raises UsageError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--answers {path}: {error.strerror}") from None
    found: list[Found] = []
    ours: dict[tuple[str, str, str, int, str], dict[int, str]] = {}
    for place, row in rows(path, data):
        if not isinstance(row, dict):
            raise UsageError(f"{place}: expected an object")
        if {"system", "turn", "state", "item"} <= row.keys():
            if row["state"] == "ok":
                about = (str(row["system"]), str(row["benchmark"]), str(row["item"]), int(row["sample"]))
                ours.setdefault((*about, str(row.get("asked"))), {})[int(row["turn"])] = row["content"]
            continue
        try:
            found += _foreign(row, path)
        except (KeyError, TypeError, ValueError, IndexError):
            raise UsageError(
                f"{place}: no answer of a known layout (fields: {', '.join(row)}); there are {', '.join(LAYOUTS)}"
            ) from None
    for (system, benchmark, item, sample, _), by_turn in ours.items():
        turns = tuple(by_turn[turn] for turn in sorted(by_turn))
        found.append(Found(system, item, (), turns, sample, benchmark))
    if not found:
        raise UsageError(f"--answers {path}: not one answer in it")
    return [one._replace(system=name) for one in found] if name else found


def _foreign(row: Mapping[str, Any], path: Path) -> Iterator[Found]:
    if "instruction" in row and "output" in row:
        system = str(row.get("generator") or path.stem)
        yield Found(system, None, (str(row["instruction"]),), (str(row["output"]),))
    elif "choices" in row:
        system = str(row.get("model_id") or path.stem)
        for sample, choice in enumerate(row["choices"]):
            yield Found(system, str(row["question_id"]), (), tuple(map(_text, choice["turns"])), sample)
    else:
        said = row["messages"]
        asked = tuple(_text(one) for one in said if one["role"] == "user")
        turns = tuple(_text(one) for one in said if one["role"] == "assistant")
        id = row.get("uid") or row.get("question_id")
        yield Found(str(row.get("model") or path.stem), None if id is None else str(id), asked, turns)


def _text(turn: Any) -> str:
    """A turn's text, wherever the layout has it."""
    found = turn.get("content", turn) if isinstance(turn, dict) else turn
    found = found.get("answer") if isinstance(found, dict) else found
    if not isinstance(found, str):
        raise ValueError("no text")
    return found


class Given(NamedTuple):
    """Answers from files, matched to items."""

    answers: dict[tuple[str, str, str, int], Answer]
    """By benchmark, item, system, sample."""
    unmatched: dict[str, int]
    """Answers that belong to no item asked for, by system."""

    @property
    def systems(self) -> list[str]:
        return list(dict.fromkeys(key[2] for key in self.answers))


def matched(found: Iterable[Found], items: Sequence[Item]) -> Given:
    """Each answer with its item: by id where the file has one, else by what was asked."""
    by_id: dict[str, list[Item]] = {}
    by_text: dict[tuple[str, ...], list[Item]] = {}
    for item in items:
        by_id.setdefault(item.id, []).append(item)
        by_text.setdefault(_plain(item.turns), []).append(item)
    answers: dict[tuple[str, str, str, int], Answer] = {}
    unmatched: dict[str, int] = {}
    for one in found:
        own = by_id.get(one.item, []) if one.item is not None else by_text.get(_plain(one.asked), [])
        if one.benchmark is not None:
            own = [item for item in own if item.benchmark == one.benchmark]
        elif len(own) > 1 and one.item is not None:  # plain numbers are ids of many benchmarks
            own = [item for item in own if "question_id" in item.row] or own
        for item in own:
            key = (item.benchmark, item.id, one.system, one.sample)
            finish = tuple(None for _ in one.turns)
            answers[key] = Answer(
                benchmark=item.benchmark, item=item.id, system=one.system, sample=one.sample, turns=one.turns,
                finish=finish,
            )  # fmt: skip
        if not own:
            unmatched[one.system] = unmatched.get(one.system, 0) + 1
    return Given(answers, unmatched)


def _plain(turns: Sequence[str]) -> tuple[str, ...]:
    return tuple(" ".join(turn.split()) for turn in turns)


def written(layout: str, items: Sequence[Item], answers: Iterable[Answer]) -> bytes:
    """The answers of one system in a layout of others."""
    by_item = {(item.benchmark, item.id): item for item in items}
    made = [_row(layout, by_item[one.benchmark, one.item], one) for one in answers if one.turns]
    if layout == "alpaca_eval":
        return orjson.dumps(made, option=orjson.OPT_INDENT_2)
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in made)


def _row(layout: str, item: Item, answer: Answer) -> dict[str, Any]:
    if layout == "alpaca_eval":
        about = {"dataset": item.category, "instruction": item.turns[0]}
        return {**about, "output": answer.turns[0], "generator": answer.system}
    turns: list[Any] = list(answer.turns)
    if layout == "arena_hard":
        turns = [{"content": turn} for turn in turns]
    return {
        "question_id": int(item.id) if layout == "fastchat" and item.id.isdecimal() else item.id,
        "answer_id": hex64(answer.system, item.id, *answer.turns),
        "model_id": answer.system,
        "choices": [{"index": answer.sample, "turns": turns}],
        "tstamp": time.time(),
    }
