"""Dialogues turned into examples per CPU-second: a small BPE, dialogues of about 160 tokens made of real turns.

    python bench/encoding.py FOLDER

FOLDER holds `dialogues/`. The best of five passes; beside it what the tokenizer alone takes for the same words.
"""

import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ["RAYON_NUM_THREADS"] = "1"  # read when tokenizers is imported: one core is what is measured

import orjson

from dialogue.records import Dialogue, Message
from trainer.settings import TrainSettings
from trainer.text.audit import Audit
from trainer.text.examples import examples_of
from trainer.text.render import renderer
from trainer.text.tokenizer import fit

N, BATCH = 4000, 256


def main() -> None:
    """Prints the rates."""
    lines = (Path(sys.argv[1]) / "dialogues" / "ultrachat_700.jsonl").read_bytes().split(b"\n")
    corpus = [orjson.loads(line)["messages"] for line in lines if line]
    tokenizer = fit((message["content"] for messages in corpus for message in messages), 4096)
    settings = TrainSettings(data=(), out=Path("nowhere"))
    made = renderer(tokenizer, settings)
    spoken = [_short(corpus, number) for number in range(N)]
    audit = Audit()

    def encode() -> None:
        for start in range(0, N, BATCH):
            examples_of(spoken[start : start + BATCH], made, settings, audit)

    words = list({message.content for dialogue in spoken for message in dialogue.messages})
    best, alone = _best(encode), _best(lambda: made.encoder.words(words))
    print(f"{N / best:,.0f} dialogues/CPU-s, {audit.tokens / audit.examples:.0f} tokens each")
    print(f"{alone / best:.0%} of it is the tokenizer's own time on the same words")


def _short(corpus: list[list[dict[str, str]]], number: int) -> Dialogue:
    """Two rounds of a real dialogue, their turns cut to a length drawn for this number."""
    drawn = random.Random(number)
    turns = [turn for turn in drawn.choice(corpus) if turn["role"] != "system"][:4]
    messages = [Message(role=turn["role"], content=turn["content"][: drawn.randint(20, 260)]) for turn in turns]  # type: ignore[arg-type]
    return Dialogue(id=str(number), messages=tuple(messages))


def _best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    main()
