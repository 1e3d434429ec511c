"""How much of real dialogues each filter drops or edits with its default settings, as a Markdown table.

    python -m bench.filter_false_positives FOLDER [--show FILTER [N]]

FOLDER holds `dialogues/` and `formats/`. Their makers kept every dialogue in it, so what is dropped is a false positive
or a fault that they let pass: `--show` prints the first N (10) of each set and reason, for a person to judge.
Rows are filters and reasons, `any` is all filters together, cells are per cent of the set's dialogues.

    UC UltraChat-200k   MT MT-Bench-101   OA OpenAssistant, from root to leaf   MOSS   SG FastChat's dummy ShareGPT
    TOOL ShareGPT with tools   PREF ShareGPT preferences, chosen   EN, ZH Alpaca-GPT4   KO Baize, Korean
    SI, BELLE seed tasks of Self-Instruct and BELLE

FastChat's file is 500 dialogues about who the assistant is, two thirds of them with a goodbye: no measure of anything.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from bench.false_positives import moss, rows, said
from dialogue.reading import read
from dialogue.records import Dialogue, Message
from filters.engine.base import Drop, Filter
from filters.engine.chain import filter_class, names

ANY = ("any", "")
EDITED = "(edited)"


class Fired(NamedTuple):
    """What a filter did to a dialogue."""

    dialogue: Dialogue
    outcome: Dialogue | Drop


def dialogue_of(number: int, messages: Sequence[Message]) -> Dialogue:
    """A dialogue of nothing but messages."""
    return Dialogue(id=str(number), messages=tuple(messages))


def mt_bench_101(path: Path) -> Iterator[Dialogue]:
    """MT-Bench-101."""
    for row in rows(path):
        yield dialogue_of(row["id"], said(*(text for turn in row["history"] for text in (turn["user"], turn["bot"]))))


def oasst(path: Path) -> Iterator[Dialogue]:
    """OpenAssistant trees: from each leaf up to the root, as far as the assistant has the last word."""
    nodes = list(rows(path))
    by_id = {node["user_message_id"]: node for node in nodes}
    for number, node in enumerate(nodes):
        if any(other["parent_message_id"] == node["user_message_id"] for other in nodes):
            continue
        steps = [node]
        while (parent := by_id.get(steps[-1]["parent_message_id"])) is not None:
            steps.append(parent)
        while steps and steps[0]["role"] != "assistant":
            del steps[0]
        roles = {"prompter": "user", "assistant": "assistant"}
        if steps:
            yield dialogue_of(
                number, [Message.model_validate({"role": roles[s["role"]], "content": s["text"]}) for s in steps[::-1]]
            )


def preferences(path: Path) -> Iterator[Dialogue]:
    """ShareGPT preferences: the history and the answer that was chosen."""
    for number, row in enumerate(rows(path)):
        turns = [*row["conversations"], row["chosen"]]
        roles = {"human": "user", "gpt": "assistant", "system": "system"}
        messages = [Message.model_validate({"role": roles[t["from"]], "content": t["value"]}) for t in turns]
        yield dialogue_of(number, messages)


def tasks(path: Path) -> Iterator[Dialogue]:
    """Alpaca rows, and seed tasks with their first instance: instruction and input, then the output."""
    for number, row in enumerate(rows(path)):
        given = row["instances"][0] if "instances" in row else row
        yield dialogue_of(number, said(f"{row['instruction']}\n{given['input']}".strip(), given["output"]))


def baize(path: Path) -> Iterator[Dialogue]:
    """Baize transcripts, without the empty turn that ends them."""
    for number, row in enumerate(rows(path)):
        rounds = [part.split("[|AI|]") for part in row["input"].split("[|Human|]")[1:]]
        texts = [text.strip() for round_ in rounds if len(round_) == 2 for text in round_]
        yield dialogue_of(number, said(*texts))


def sets(folder: Path) -> dict[str, list[Dialogue]]:
    """Every set by its letters."""
    dialogues, formats = folder / "dialogues", folder / "formats"
    return {
        "UC": list(read(dialogues / "ultrachat_700.jsonl")),
        "MT": list(mt_bench_101(dialogues / "mt_bench_101.jsonl")),
        "OA": list(oasst(formats / "oasst/realistic_seed_data.json")),
        "MOSS": [dialogue_of(number, good.messages) for number, good in enumerate(moss(folder))],
        "SG": list(read(formats / "sharegpt_fastchat_500.json")),
        "TOOL": list(read(formats / "sharegpt_tools_300.json")),
        "PREF": list(preferences(formats / "preference_sharegpt_60.json")),
        "EN": list(tasks(formats / "alpaca_en_100.json")),
        "ZH": list(tasks(formats / "alpaca_zh_100.json")),
        "KO": list(baize(formats / "baize_korean_96.json")),
        "SI": list(tasks(dialogues / "self_instruct_seed_tasks.jsonl")),
        "BELLE": list(tasks(dialogues / "belle_zh_seed_tasks.json")),
    }


def filters() -> dict[str, Filter]:
    """Every filter of single dialogues that can do without settings, with its default ones."""
    found: dict[str, Filter] = {}
    for name in names():
        kind: Any = filter_class(name)
        if issubclass(kind, Filter):
            try:
                found[name] = kind()
            except ValidationError:
                continue
    return found


def fired(filter: Filter, dialogues: Sequence[Dialogue]) -> list[Fired]:
    """The dialogues that the filter drops or edits, with what comes out."""
    outcomes = (Fired(dialogue, filter.apply(dialogue)) for dialogue in dialogues)
    return [found for found in outcomes if found.outcome is not found.dialogue]


def counts(dialogues: Sequence[Dialogue], used: Mapping[str, Filter]) -> Counter[tuple[str, str]]:
    """Dialogues by filter and reason, and those that any filter drops."""
    found: Counter[tuple[str, str]] = Counter()
    dropped: set[int] = set()
    for name, filter in used.items():
        for dialogue, outcome in fired(filter, dialogues):
            found[name, outcome.reason if isinstance(outcome, Drop) else EDITED] += 1
            if isinstance(outcome, Drop):
                dropped.add(id(dialogue))
    found[ANY] = len(dropped)
    return found


def table(by_set: Mapping[str, Sequence[Dialogue]], used: Mapping[str, Filter]) -> str:
    """The Markdown table."""
    found = {letters: counts(dialogues, used) for letters, dialogues in by_set.items()}
    keys = [*sorted({key for count in found.values() for key in count} - {ANY}), ANY]
    head = [f"{letters} (n = {len(dialogues)})" for letters, dialogues in by_set.items()]
    lines = [f"| filter | reason | {' | '.join(head)} |", "|---" * (len(head) + 2) + "|"]
    for key in keys:
        shares = [
            f"{100 * found[letters][key] / len(dialogues):.2f}" if found[letters][key] else ""
            for letters, dialogues in by_set.items()
        ]
        lines.append(f"| {' | '.join((*key, *shares))} |")
    return "\n".join(lines)


def show(by_set: Mapping[str, Sequence[Dialogue]], filter: Filter, most: int) -> Iterator[str]:
    """The first cases of each set and reason: what shows them, or what was cut out."""
    for letters, dialogues in by_set.items():
        shown: Counter[str] = Counter()
        for dialogue, outcome in fired(filter, dialogues):
            reason = outcome.reason if isinstance(outcome, Drop) else EDITED
            shown[reason] += 1
            if shown[reason] > most:
                continue
            if isinstance(outcome, Drop):
                yield f"{letters} {dialogue.id} {reason} {outcome.evidence}"
            else:
                gone = [m.content[:200] for m in dialogue.messages if not any(m is kept for kept in outcome.messages)]
                yield f"{letters} {dialogue.id} {reason} {gone}"


def main() -> None:
    """Print the table, or cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--show", nargs="+", metavar=("FILTER", "N"), help="print the first N cases instead")
    args = parser.parse_args()
    by_set, used = sets(args.folder), filters()
    if not args.show:
        print(table(by_set, used))
        return
    name = args.show[0]
    if name not in used:
        parser.error(f"--show {name}: no such filter (there are: {', '.join(used)})")
    for line in show(by_set, used[name], int(args.show[1]) if len(args.show) > 1 else 10):
        print(line)


if __name__ == "__main__":
    main()
