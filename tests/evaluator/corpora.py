"""Dialogues and samples for the tests of corpus statistics."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from dialogue.records import Dialogue, Message, Seed
from evaluator.corpus.resampling import Dialogues
from evaluator.corpus.sample import Sample
from evaluator.corpus.seen import Seen, Vocabulary, seen
from evaluator.corpus.vectors import Turn

ANSWER = "Rivers carry salt from the rocks into the sea, and it stays there when the water goes up into the air again."


def talk(*texts: str, number: int = 0, roles: Sequence[str] = (), **fields: Any) -> Dialogue:
    """A dialogue; the user speaks first unless `roles` say otherwise."""
    spoken = roles or [("user", "assistant")[place % 2] for place in range(len(texts))]
    messages = tuple(Message(role=role, content=text) for role, text in zip(spoken, texts, strict=True))
    return Dialogue(id=f"d-{number}", messages=messages, seed=fields.pop("seed", Seed()), **fields)


def write(path: Path, dialogues: Iterable[Dialogue]) -> Path:
    """A file of them."""
    lines = (orjson.dumps(one.model_dump(exclude_none=True), option=orjson.OPT_APPEND_NEWLINE) for one in dialogues)
    path.write_bytes(b"".join(lines))
    return path


def looked(dialogues: Iterable[Dialogue]) -> list[Seen]:
    """What the figures see of them."""
    vocabulary = Vocabulary()
    return [seen(one, None, vocabulary) for one in dialogues]


def sample(dialogues: Sequence[Dialogue], **more: Any) -> Sample:
    """All of them as a sample."""
    found = looked(dialogues)
    return Sample(found, Dialogues(len(found)), more.pop("of", len(found)), more.pop("repeated", 0), **more)


def turns(*texts: Sequence[int]) -> list[Turn]:
    """Turns of words that are numbers, the user's first."""
    return [Turn(("user", "assistant")[place % 2], np.array(ids, np.uint32)) for place, ids in enumerate(texts)]
