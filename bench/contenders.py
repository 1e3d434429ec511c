"""One trainer on the ragged dialogues, in a process of its own: what its steps cost, as JSON.

    python -m bench.contenders NAME ROWS STEPS

Counted are the tokens that are no padding and the CPU seconds of the whole process (one thread computes, another
makes batches) from the end of the first step to the end of the last. All train the same Llama (4 layers, width 256,
grouped attention 4/2, 8,192 tied embeddings, 5 M parameters) in float32 unless the name says otherwise.
"""

import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import (
    DataCollatorForSeq2Seq,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from bench.ragged import Row, rows_of
from trainer.batches.collate import Batch, collate
from trainer.batches.order import Sizes, steps
from trainer.loop.feed import ahead
from trainer.loop.optim import optimizer
from trainer.loop.ready import prepared
from trainer.nets.scratch import scratch_config
from trainer.settings import ScratchSettings, TrainSettings
from trainer.text.example import Example

SCRATCH = ScratchSettings(vocabulary=8192, width=256, layers=4, heads=4, kv_heads=2, mlp_width=688, context=2048)
BATCH = 16
PACK_TOKENS = 2048
SEED = 7


class Bill(NamedTuple):
    """What all steps but the first took."""

    useful: int
    """Tokens that are no padding."""
    places: int
    """Tokens and padding."""
    cpu_s: float
    steps: int

    @property
    def rate(self) -> float:
        """Useful tokens per CPU-second."""
        return self.useful / self.cpu_s


def network() -> LlamaForCausalLM:
    """The network, with the same random weights for all."""
    torch.manual_seed(SEED)
    return LlamaForCausalLM(scratch_config(SCRATCH, SCRATCH.vocabulary))


class Stopwatch(TrainerCallback):
    """CPU seconds between the end of the first step and of the last."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *_given: Any, **_more: Any) -> None:
        self.ends.append(time.process_time())


class Counted:
    """A collator, and the sizes of all batches that it made."""

    def __init__(self, collator: Callable[..., Any]) -> None:
        self.collator = collator
        self.sizes: list[tuple[int, int]] = []

    def __call__(self, rows: list[Any]) -> Any:
        batch = self.collator(rows)
        useful = sum(len(row["input_ids"]) for row in rows)
        self.sizes.append((useful, batch["input_ids"].numel()))
        return batch


def tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer that is only asked for its padding."""
    from tokenizers import Tokenizer, models

    words = {"<pad>": 0, "<eos>": 1, "<unk>": 2} | {f"w{place}": place for place in range(3, SCRATCH.vocabulary)}
    backend = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")


def arguments(folder: str, batch: int, count: int | None) -> dict[str, Any]:
    """What HF Trainer and TRL are told alike: float32 on the CPU, nothing logged, nothing saved."""
    return {
        "output_dir": folder,
        "per_device_train_batch_size": batch,
        "num_train_epochs": 1,
        "max_steps": -1 if count is None else count,
        "use_cpu": True,
        "bf16": False,
        "save_strategy": "no",
        "logging_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "seed": SEED,
    }


def billed(trainer: Trainer) -> Bill:
    """Some steps of somebody's trainer."""
    watch, counted = Stopwatch(), Counted(trainer.data_collator)
    trainer.data_collator = counted
    trainer.add_callback(watch)
    trainer.train()
    taken = counted.sizes[1 : len(watch.ends)]  # one batch more is made ahead
    useful, places = (sum(size[side] for size in taken) for side in (0, 1))
    return Bill(useful, places, watch.ends[-1] - watch.ends[0], len(taken))


def hugging_face(rows: Sequence[Row], count: int | None, sampling: str) -> Bill:
    """transformers' Trainer, batches of 16 padded to their longest."""
    data: Any = [row._asdict() for row in rows]
    words = tokenizer()
    with tempfile.TemporaryDirectory() as folder:
        told = TrainingArguments(**arguments(folder, BATCH, count), train_sampling_strategy=sampling)
        collator = DataCollatorForSeq2Seq(words, padding=True)
        return billed(Trainer(network(), told, collator, data, processing_class=words))


def trl(rows: Sequence[Row], count: int | None, batch: int, **more: Any) -> Bill:
    """TRL's SFTTrainer, which takes ids and labels as they are."""
    from datasets import Dataset, disable_progress_bars
    from trl import SFTConfig, SFTTrainer

    disable_progress_bars()
    data = Dataset.from_list([row._asdict() for row in rows])
    with tempfile.TemporaryDirectory() as folder:
        told = SFTConfig(**arguments(folder, batch, count), **more)
        return billed(SFTTrainer(network(), told, train_dataset=data, processing_class=tokenizer()))


def ours(rows: Sequence[Row], count: int | None, sizes: Sizes, dtype: Any = "float32") -> Bill:
    """What `gen train` does at each step."""
    examples = [
        Example(str(place), *(np.array(part, np.int32) for part in row), np.ones(len(row.labels), np.float32))
        for place, row in enumerate(rows)
    ]
    lengths = np.array([len(row.input_ids) for row in rows], np.int64)
    settings = TrainSettings(data=(), out=".", dtype=dtype)
    device, model = torch.device("cpu"), network()
    learner, update = prepared(model, settings, device), optimizer(model, settings)
    found = list(islice(steps(lengths, sizes, SEED, 0), count))
    batches = ahead((collate(micro, examples, 0) for step in found for micro in step), device)
    useful, places, ends = 0, 0, []
    for step in found:
        for _ in step:
            batch: Batch = next(batches)
            (learner(batch) / BATCH).backward()
            if ends:
                useful, places = useful + batch.useful, places + batch.input_ids.numel()
        torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        update.step()
        update.zero_grad(set_to_none=True)
        ends.append(time.process_time())
    return Bill(useful, places, ends[-1] - ends[0], len(ends) - 1)


GROUP, PAD = Sizes("group", 16_384, BATCH), Sizes("pad", 16_384, BATCH)
PACK = Sizes("pack", PACK_TOKENS, None, PACK_TOKENS)
HF_NAME, PACKING_NAME = "HF Trainer, padded", "TRL SFT, packing bfd 1024 x 2"
GROUP_NAME, PACK_NAME = "ours, group (a CPU's default)", "ours, pack"
CONTENDERS: dict[str, Callable[[Sequence[Row], int | None], Bill]] = {
    HF_NAME: partial(hugging_face, sampling="random"),
    "HF Trainer, group_by_length": partial(hugging_face, sampling="group_by_length"),
    "TRL SFT, defaults": partial(trl, batch=BATCH),
    "TRL SFT, no checkpointing": partial(trl, batch=BATCH, gradient_checkpointing=False),
    PACKING_NAME: partial(trl, batch=2, packing=True, max_length=1024, gradient_checkpointing=False),
    "ours, pad": partial(ours, sizes=PAD),
    GROUP_NAME: partial(ours, sizes=GROUP),
    PACK_NAME: partial(ours, sizes=PACK),
    "ours, pack, bf16": partial(ours, sizes=PACK, dtype="bfloat16"),
}
SORTED = ("HF Trainer, group_by_length", GROUP_NAME)
"""Their batches are no samples of one another, so they take a whole epoch; the others stop after some steps."""


def main() -> None:
    name, size, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    rows = rows_of(size, SCRATCH.vocabulary, SEED)
    print(json.dumps(CONTENDERS[name](rows, None if name in SORTED else count)._asdict()))


if __name__ == "__main__":
    main()
