"""Small trainings with real parts: dialogues that can be learned, settings of seconds, examples of random tokens."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trainer.settings import ScratchSettings, TrainSettings
from trainer.text.example import IGNORE_INDEX, Example

NAMES = ("Ada", "Bob", "Cleo", "Dan", "Eve")
TOWNS = ("Rome", "Oslo", "Lima", "Bonn")
SMALL = ScratchSettings(vocabulary=320, width=32, layers=2, heads=4, kv_heads=2, mlp_width=64, context=256)


def rows(count: int, seed: int = 0, rounds: int = 3) -> list[dict[str, Any]]:
    """Dialogues of up to so many rounds on a name and a town."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        name, town = chance.choice(NAMES), chance.choice(TOWNS)
        turns = [
            (f"I am {name}.", f"Hello {name}!"),
            (f"I live in {town}.", f"{town} is nice."),
            ("Who am I?", f"You are {name}."),
        ][: chance.randint(1, rounds)]
        messages = [
            message
            for asked, answered in turns
            for message in ({"role": "user", "content": asked}, {"role": "assistant", "content": answered})
        ]
        made.append({"id": f"d{number}", "messages": messages})
    return made


def write(path: Path, made: Sequence[dict[str, Any]]) -> Path:
    """The dialogues as a file."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made), encoding="utf-8")
    return path


def toy(folder: Path, *, count: int = 120, out: str = "out", **changes: Any) -> TrainSettings:
    """Settings of a short training from scratch on dialogues written beside it."""
    data = folder / "data.jsonl"
    if not data.exists():
        write(data, rows(count))
    chosen: dict[str, Any] = {
        "scratch": SMALL,
        "max_length": 128,
        "micro_tokens": 256,
        "batch_tokens": 512,
        "max_steps": 12,
        "epochs": 50,
        "lr": 3e-3,
        "schedule": "constant",
        "log_every": 1,
        "save_every": 4,
        "samples": 0,
        **changes,
    }
    return TrainSettings(data=(data,), out=folder / out, **chosen)


def told(out: Path, name: str) -> list[float]:
    """What a training's log says of a measure, entry after entry."""
    entries = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [entry[name] for entry in entries if name in entry]


def examples(lengths: Sequence[int], *, words: int = 200, seed: int = 0, share: float = 0.4) -> list[Example]:
    """Examples of random tokens, a share of them taught with random weights."""
    chance = np.random.default_rng(seed)

    def one(number: int, length: int) -> Example:
        ids = chance.integers(3, words, length, dtype=np.int32)
        taught = chance.random(length) < share
        counts = np.where(taught, chance.random(length) + 0.1, 0).astype(np.float32)
        return Example(str(number), ids, np.where(taught, ids, np.int32(IGNORE_INDEX)), counts)

    return [one(number, length) for number, length in enumerate(lengths)]
