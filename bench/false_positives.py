"""How often each check fires on good turns, as a Markdown table.

    python bench/false_positives.py FOLDER

FOLDER holds `dialogues/`, `formats/` and `benchmarks/`. Every turn in it was kept by its makers, so whatever fires is
a false positive or a fault that they let pass. Rows are the checks, columns the sets, cells per cent of turns.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from dialogue.draft import read
from dialogue.faults import CHECKS, OPENER_CHECKS, assistant_flags, opener_fault, user_flags
from dialogue.records import Message


class Good(NamedTuple):
    """One real dialogue: its set, its language, what was said."""

    set: str
    language: str
    messages: tuple[Message, ...]


class Rates(NamedTuple):
    """Turns read, and how many of them each check fires on."""

    turns: int
    fired: Counter[str]

    def percent(self, check: str) -> float:
        """The share of turns on which the check fires."""
        return 100 * self.fired[check] / self.turns


def rows(path: Path) -> Iterator[Any]:
    """The objects of a JSON or JSON Lines file."""
    data = path.read_bytes()
    if data.lstrip().startswith(b"[") and path.suffix == ".json":
        yield from orjson.loads(data)
    else:
        yield from map(orjson.loads, filter(None, data.split(b"\n")))


def said(*texts: str) -> tuple[Message, ...]:
    """Messages of the two roles by turns."""
    return tuple(Message(role="assistant" if i % 2 else "user", content=text) for i, text in enumerate(texts))


def ultrachat(folder: Path) -> Iterator[Good]:
    """UltraChat-200k rows."""
    for row in rows(folder / "dialogues/ultrachat_700.jsonl"):
        yield Good("UC", "en", said(*(message["content"] for message in row["messages"])))


def mt_bench_101(folder: Path) -> Iterator[Good]:
    """MT-Bench-101 dialogues."""
    for row in rows(folder / "dialogues/mt_bench_101.jsonl"):
        yield Good("MT", "en", said(*(text for turn in row["history"] for text in (turn["user"], turn["bot"]))))


def oasst(folder: Path) -> Iterator[Good]:
    """OpenAssistant trees: the path from the root to each prompter's message."""
    nodes = list(rows(folder / "formats/oasst/realistic_seed_data.json"))
    by_id = {node["user_message_id"]: node for node in nodes}
    for node in nodes:
        path = [node]
        while (parent := by_id.get(path[-1]["parent_message_id"])) is not None:
            path.append(parent)
        if node["role"] == "prompter":
            yield Good("OA", "en", said(*(step["text"] for step in reversed(path))))


def moss(folder: Path) -> Iterator[Good]:
    """MOSS rows in both of its layouts, English and Chinese."""
    for row in rows(folder / "formats/moss_sample.jsonl"):
        chat = row["chat"]
        turns = list(chat.values()) if isinstance(chat, dict) else chat
        texts = [_unmarked(turn[who]) for turn in turns for who in ("Human", "MOSS")]
        chinese = sum("一" <= char <= "鿿" for char in "".join(texts[::2]))
        yield Good("MOSS", "zh" if chinese > len("".join(texts[::2])) / 5 else "en", said(*texts))


def _unmarked(text: str) -> str:
    text = text.split("|>: ", 1)[-1].strip()
    return text[:-5] if text.endswith(("<eoh>", "<eom>")) else text


def seeds(folder: Path) -> Iterator[Good]:
    """Openers: Self-Instruct and BELLE seed tasks, Arena-Hard prompts."""
    for row in rows(folder / "dialogues/self_instruct_seed_tasks.jsonl"):
        yield Good("SI", "en", said(f"{row['instruction']}\n{row['instances'][0]['input']}".strip()))
    for row in rows(folder / "dialogues/belle_zh_seed_tasks.json"):
        yield Good("BELLE", "zh-Hans", said(f"{row['instruction']}\n{row['instances'][0]['input']}".strip()))
    for row in rows(folder / "benchmarks/arena_hard_v0.1.jsonl"):
        yield Good("AH", "en", said(row["turns"][0]["content"]))


def good(folder: Path) -> Iterator[Good]:
    """Every good dialogue of the folder."""
    for source in (ultrachat, mt_bench_101, oasst, moss, seeds):
        yield from source(folder)


def follow_ups(dialogues: list[Good]) -> dict[str, Rates]:
    """For each set, how often each check of follow-ups fires: each is asked, whatever fired before it."""
    found: dict[str, Rates] = {}
    for set_, language, messages in dialogues:
        last_only = set_ == "OA"
        for at, message in enumerate(messages):
            if message.role != "user" or at == 0 or (last_only and at < len(messages) - 1):
                continue
            draft = read(message.content, messages[:at], None, language)
            fired = [check for check, (_, fault) in CHECKS.items() if fault(draft)]
            _count(found, set_, fired + user_flags(message.content, language=language))
    return found


def openers(dialogues: list[Good]) -> dict[str, Rates]:
    """For each set, how often each check of openers fires; length apart, which real openers may exceed."""
    found: dict[str, Rates] = {}
    for set_, language, messages in dialogues:
        if set_ != "OA" or len(messages) == 1:
            fault = opener_fault(messages[0].content, language, min_words=0, max_words=100_000)
            _count(found, set_, [fault.check] if fault else [])
    return found


def answers(dialogues: list[Good]) -> dict[str, Rates]:
    """For each set, how often each flag of answers is raised."""
    found: dict[str, Rates] = {}
    for set_, language, messages in dialogues:
        for at, message in enumerate(messages):
            if message.role == "assistant":
                _count(found, set_, assistant_flags(message.content, messages[:at], language=language))
    return found


def _count(found: dict[str, Rates], set_: str, fired: list[str]) -> None:
    turns, sums = found.get(set_, (0, Counter[str]()))
    sums.update(fired)
    found[set_] = Rates(turns + 1, sums)


def table(title: str, found: dict[str, Rates], checks: list[str]) -> str:
    """A Markdown table of per cent."""
    head = [f"| {title} | " + " | ".join(f"{set_} (n = {rates.turns})" for set_, rates in found.items()) + " |"]
    head.append("|---" * (len(found) + 1) + "|")
    body = [f"| {c} | " + " | ".join(f"{rates.percent(c):.2f}" for rates in found.values()) + " |" for c in checks]
    return "\n".join(head + body)


def main() -> None:
    """Print the three tables."""
    if len(sys.argv) != 2:
        sys.exit("usage: python bench/false_positives.py FOLDER")
    dialogues = list(good(Path(sys.argv[1])))
    print(table("follow-ups, %", follow_ups(dialogues), [*CHECKS, "praise"]), end="\n\n")
    print(table("openers, %", openers(dialogues), ["empty", *OPENER_CHECKS]), end="\n\n")
    flags = ["self_copy", "asks_as_user", "praise", "truncated"]
    print(table("answers, %", answers(dialogues), flags))


if __name__ == "__main__":
    main()
