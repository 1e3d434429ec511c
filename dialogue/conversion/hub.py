"""The layout of a data set hub: data/SPLIT-*.parquet and a README card, loadable by `datasets.load_dataset(FOLDER)`."""

import re
from collections import Counter
from contextlib import suppress
from pathlib import Path

from dialogue.conversion.targets import Target
from dialogue.disk import remove_left
from dialogue.jsonl import write_atomically
from dialogue.records import Dialogue

ROWS_A_SHARD = 500_000
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
_MOST_NAMES = 50
"""Of models, sectors, languages: a card that lists more says nothing."""


class Statistics:
    """What a card tells of a split."""

    def __init__(self) -> None:
        self.dialogues = 0
        self.turns = 0
        self.characters: Counter[str] = Counter()
        self.models: Counter[str] = Counter()
        self.sectors: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()

    def add(self, dialogue: Dialogue) -> None:
        """Take in a dialogue."""
        self.dialogues += 1
        for message in dialogue.messages:
            if message.role in ("user", "assistant"):
                self.turns += 1
                self.characters[message.role] += len(message.content)
        for counts, name in (
            (self.models, dialogue.assistant_model),
            (self.models, dialogue.user_model),
            *((self.models, name) for name in _rivals(dialogue)),
            (self.sectors, dialogue.sector),
            (self.languages, dialogue.seed.language),
        ):
            if name and (name in counts or len(counts) < _MOST_NAMES):
                counts[name] += 1


def _rivals(dialogue: Dialogue) -> list[str]:
    """The models of candidates beside the answer's own."""
    found = (one for message in dialogue.messages for one in message.candidates or ())
    named = {one.get("model") for one in found if isinstance(one, dict)}
    return sorted(name for name in named if isinstance(name, str) and name != dialogue.assistant_model)


class Shards:
    """The Parquet files of one split."""

    def __init__(self, folder: Path, split: str, format: str) -> None:
        self._folder, self._split, self._format = folder / "data", split, format
        self._new = [one for one in (self._folder, folder) if not one.exists()]
        self._folder.mkdir(parents=True, exist_ok=True)
        remove_left(self._folder, rf"{split}-\d+\.parquet")
        self.targets: list[Target] = []
        self.statistics = Statistics()

    @property
    def written(self) -> int:
        """Dialogues in all files."""
        return sum(target.written for target in self.targets)

    def write(self, lines: bytes) -> None:
        """What a format made of a dialogue."""
        if not self.targets or self.targets[-1].written >= ROWS_A_SHARD:
            self.targets.append(self._next())
        self.targets[-1].write(lines)

    def _next(self) -> Target:
        return Target(self._folder / f"{self._split}-{len(self.targets):05d}.parquet", self._format)

    def finish(self) -> None:
        """Put the files in their places; an empty split has none, as `datasets` loads no empty one."""
        for target in self.targets:
            target.finish()

    def drop(self) -> None:
        """Forget what was written, and the folders made for it."""
        for target in self.targets:
            target.drop()
        for folder in self._new:
            with suppress(OSError):  # something else is in it by now
                folder.rmdir()


def stale(folder: Path, written: list[Shards]) -> None:
    """Take away files of an earlier conversion, which would be read as part of this one."""
    names = {target.path.name for shards in written for target in shards.targets}
    for path in (folder / "data").glob("*.parquet"):
        if path.name not in names and re.fullmatch(r"(?:train|validation|test)-\d{5}\.parquet", path.name):
            path.unlink()


def write_card(folder: Path, splits: dict[str, Statistics], format: str, sources: list[str]) -> None:
    """README.md: what the hub reads, and what a person wants to know. A licence is the owner's to name."""
    write_atomically(folder / "README.md", [card(folder.resolve().name, splits, format, sources).encode()])


def card(name: str, splits: dict[str, Statistics], format: str, sources: list[str]) -> str:
    """The text of the card."""
    total = sum(one.dialogues for one in splits.values())
    size = next((label for most, label in _SIZES if total < most), "n>10M")
    languages = _all(splits, "languages")
    files = "\n".join(f"      - split: {split}\n        path: data/{split}-*.parquet" for split in splits)
    spoken = "".join(f"\n  - {one.partition('-')[0]}" for one in sorted({code for code, _ in languages})) or " []"
    table = "\n".join(_line(split, one) for split, one in splits.items())
    return f"""---
license: unknown  # name yours: what the models' terms allow, and what your material allows
task_categories:
  - text-generation
language:{spoken}
size_categories:
  - {size}
tags:
  - synthetic
  - conversational
configs:
  - config_name: default
    data_files:
{files}
---

# {name}

Multi-turn dialogues in the layout `{format}`, converted by duologue from {", ".join(f"`{one}`" for one in sources)}.

## What is in it

| split | dialogues | turns | turns a dialogue | characters a user's turn | characters an answer |
|---|---|---|---|---|---|
{table}

## How it was made

- Sectors: {_names(_all(splits, "sectors"))}
- Models: {_names(_all(splits, "models"))}
- Languages: {_names(languages)}

## Licence

Not yet named: fill in `license` above and say here why it may be given.
"""


def _all(splits: dict[str, Statistics], what: str) -> list[tuple[str, int]]:
    total: Counter[str] = Counter()
    for one in splits.values():
        total += getattr(one, what)
    return total.most_common()


def _names(counted: list[tuple[str, int]]) -> str:
    return ", ".join(f"`{_inert(name)}` ({count:,})" for name, count in counted) or "not recorded"


def _inert(name: str) -> str:
    """A name that ends no code span and begins no line or cell."""
    return " ".join(name.replace("`", "'").replace("|", "/").split())[:100]


def _line(split: str, one: Statistics) -> str:
    each = max(1, one.dialogues)
    turn = max(1, one.turns // 2)
    user, answer = (one.characters[role] / turn for role in ("user", "assistant"))
    return f"| {split} | {one.dialogues:,} | {one.turns:,} | {one.turns / each:.1f} | {user:,.0f} | {answer:,.0f} |"
