"""Filters of a few lines, and corpora to run them on."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson

from dialogue.records import Dialogue, Message, encode
from filters.engine.base import Copies, Corpus, CorpusFilter, Drop, Filter, Limits, Measure
from filters.engine.chain import Step
from filters.engine.settings import FilterSettings
from filters.engine.walk import run


class Words(Limits):
    """Drops dialogues with too many words."""

    most_words: float | None = 6

    def measure(self, dialogue: Dialogue) -> Mapping[str, Measure]:
        count = sum(len(message.content.split()) for message in dialogue.messages)
        return {"words": Measure(count, {"words": count})}


class Shout(Filter):
    """Writes user turns that hold a word in capitals."""

    edits: ClassVar[bool] = True
    word: str = "shout"

    def apply(self, dialogue: Dialogue) -> Dialogue:
        if not any(self.word in message.content for message in dialogue.messages):
            return dialogue
        messages = tuple(m.model_copy(update={"content": m.content.upper()}) for m in dialogue.messages)
        return dialogue.model_copy(update={"messages": messages})


class Never(Filter):
    """Drops what holds a word; counts in a file how often it was asked."""

    word: str = "never"
    asked: str | None = None

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        if self.asked is not None:
            with Path(self.asked).open("ab") as file:
                file.write(dialogue.id.encode() + b"\n")
        held = any(self.word in message.content for message in dialogue.messages)
        return Drop("never", {"word": self.word}) if held else dialogue


class Same(CorpusFilter):
    """Keeps the smallest id of equal texts."""

    reason: ClassVar[str] = "same"

    def prepared_by(self) -> str:
        return f"same-{self.level}-{self.prefer}"

    def prepare(self, texts: Sequence[str], scores: Sequence[float | None], folder: Path) -> None:
        digests = [int.from_bytes(hashlib.md5(text.encode()).digest()[:8], "little", signed=True) for text in texts]
        np.save(folder / "hashes.npy", np.array(digests, np.int64))

    def decide(self, corpus: Corpus) -> Copies:
        groups: dict[int, list[tuple[int, int]]] = {}
        number = 0
        for shard in corpus.shards:
            hashes = np.load(shard.folder / "hashes.npy").tolist()
            for hash, alive in zip(hashes, shard.alive.tolist(), strict=True):
                if alive:
                    groups.setdefault(hash, []).append((0 if shard.earlier else 1, number))
                number += 1
        pairs = []
        for group in groups.values():
            if len(group) > 1:
                ids = corpus.ids(np.array([number for _, number in group]))
                kept = min(zip((age for age, _ in group), ids, (number for _, number in group), strict=True))[2]
                pairs += [(number, kept) for age, number in group if number != kept and age]
        pairs.sort()
        dropped, kept_numbers = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
        return Copies(dropped, kept_numbers, np.ones(len(pairs), np.float32), {"copies": len(pairs)})


def steps(*filters: Filter | CorpusFilter) -> tuple[Step, ...]:
    """A chain of these."""
    made: list[Step] = []
    edits = ""
    for filter in filters:
        key = (filter.prepared_by() if isinstance(filter, CorpusFilter) else filter.fingerprint()) + edits
        made.append(Step(type(filter).__name__.lower(), type(filter).__name__.lower(), filter, key))
        if isinstance(filter, Filter) and filter.edits:
            edits += f"-{key}"
    return tuple(made)


def talk(*contents: str, id: str = "", **fields: Any) -> Dialogue:
    """A dialogue of these contents, the user first."""
    roles = ("user", "assistant")
    messages = tuple(Message(role=roles[i % 2], content=content) for i, content in enumerate(contents))
    return Dialogue(id=id or hashlib.md5("\n".join(contents).encode()).hexdigest()[:16], messages=messages, **fields)


def write(path: Path, dialogues: Sequence[Dialogue]) -> Path:
    """The dialogues as a file of lines."""
    path.write_bytes(b"".join(map(encode, dialogues)))
    return path


def lines(path: Path) -> list[Any]:
    """The objects of a file of lines."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def filtered(out: Path, chain: Sequence[Step], *inputs: Path, **settings: Any) -> dict[str, Any]:
    """Run a chain of toys."""
    return run(chain, FilterSettings(inputs=inputs, out=out, filters=(), **settings))


def results(out: Path) -> tuple[bytes, bytes, bytes]:
    """Everything that a run must give again byte for byte."""
    return tuple((out / name).read_bytes() for name in ("kept.jsonl", "dropped.jsonl", "report.json"))  # type: ignore[return-value]
