"""Useful tokens a second and the honest share of a GPU's peak, for packed and for padded batches: Markdown tables.

    python -m bench.gpu_train [--shapes 1.3b,350m] [--steps 50] [--micro-tokens 32768] [--no-compile] [--padded]

Random weights in shapes of Llama, random tokens, lengths as chat has them: log-normal, mean about 600 tokens, a third
taught. What is timed is what `gen train` does: order, collation, copies to the device, forward and backward passes in
bfloat16 with weights and moments in float32, clipping, AdamW. Compilation and three steps of warm-up are left out; what
was compiled in the timed steps all the same is counted and told, as such a figure is not to be used.
Attention is FlashAttention 4's where it is installed (`duologue[flash]`), torch's own elsewhere.
FLOPs are counted as trainer/nets/flops.py says.

On a GPU status 1 says that a bar was missed, or that a figure is not to be used.
Without a GPU the same goes through at toy size, whatever shape and sizes are asked for: a rehearsal, and said so.
"""

import argparse
import gc
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch._dynamo.utils import counters
from transformers import LlamaConfig, LlamaForCausalLM

from trainer.batches.collate import Batch, collate
from trainer.batches.order import Sizes, Step, steps
from trainer.loop.feed import ahead
from trainer.loop.optim import optimizer
from trainer.loop.ready import prepared
from trainer.loop.warm import warmed
from trainer.nets import flash4
from trainer.nets.attention import NAME
from trainer.nets.flops import H200_BF16_FLOPS, shape_of
from trainer.settings import TrainSettings
from trainer.text.example import IGNORE_INDEX, Example

SHAPES = {
    "toy": {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 192},
    "350m": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 8, "intermediate_size": 2816},
    "1.3b": {"hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 5504},
}
BARS = {"1.3b": 0.55, "350m": 0.47}
"""Of the H200's peak, packed."""
VOCABULARY = 32_000
TAUGHT = 1 / 3
WARM_UP = 3
SHORTEST = 16
TOY: dict[str, Any] = {
    "shapes": ["toy"], "micro_tokens": 2048, "batch_tokens": 4096, "steps": 3, "longest": 512, "no_compile": True,
}  # fmt: skip
"""What takes the place of the arguments without a GPU; it takes seconds."""
NO_GPU = """No GPU here: the same at toy size, as a rehearsal. Asked for: {asked}.
Useful tokens a second, share of the peak and peak memory of {asked}: not yet measured on a GPU.
"""


class Chat:
    """Documents of random tokens, made when they are asked for."""

    def __init__(self, count: int, longest: int, vocabulary: int) -> None:
        chance = np.random.default_rng(1)
        self.lengths = np.clip(chance.lognormal(6.15, 0.75, count), SHORTEST, longest).astype(np.int64)
        self._vocabulary = vocabulary

    def __getitem__(self, place: int) -> Example:
        chance = np.random.default_rng(place)
        length = int(self.lengths[place])
        ids = chance.integers(3, self._vocabulary, length, dtype=np.int32)
        labels = np.where(np.arange(length) % 96 >= 96 * (1 - TAUGHT), ids, IGNORE_INDEX).astype(np.int32)
        return Example(str(place), ids, labels, np.ones(length, np.float32))


class Measured(NamedTuple):
    """What the timed steps took."""

    seconds: float
    useful: int
    flops: float
    places: int
    """Tokens, padding included."""
    peak_gib: float | None
    """Of a GPU."""
    compiled: int
    """Graphs and kernels that were compiled meanwhile: none should be."""


def matrix_flops(device: torch.device) -> tuple[int, float]:
    """The size of two random square bfloat16 matrices, large for the device, and the FLOP/s of their product on it."""
    size = 8192 if device.type == "cuda" else 512
    one, other = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    for _ in range(3):
        one @ other
    _wait(device)
    began = time.perf_counter()
    for _ in range(20):
        one @ other
    _wait(device)
    return size, 20 * 2 * size**3 / (time.perf_counter() - began)


def measure(shape: str, sizes: Sizes, longest: int, count: int, compiled: bool, device: torch.device) -> Measured:
    """So many steps at a shape, after the warm-up."""
    torch.manual_seed(0)
    vocabulary = VOCABULARY if shape != "toy" else 512
    config = LlamaConfig(
        **SHAPES[shape], vocab_size=vocabulary, max_position_embeddings=longest, tie_word_embeddings=False
    )
    config._attn_implementation = NAME
    with device:
        model: Any = LlamaForCausalLM(config)
    settings = TrainSettings(data=(), out=".", lr=1e-5, dtype="bfloat16", compile=compiled)
    learner = prepared(model, settings, device)
    update = optimizer(model, settings)
    chat = Chat(200_000, longest, vocabulary)
    shape_here = shape_of(model)
    fixed = (sizes.micro_tokens, longest) if compiled and sizes.batches == "pack" else None
    if sizes.batches == "pack":
        warmed(learner, device, fixed, sizes.micro_tokens, SHORTEST)
    found = _some(steps(chat.lengths, sizes, 0, 0), WARM_UP + count)
    batches = ahead((collate(micro, chat, 0, fixed=fixed) for step in found for micro in step), device)
    useful, flops, places = 0, 0.0, 0
    began, before = 0.0, 0
    for number, step in enumerate(found):
        if number == WARM_UP:
            _wait(device)
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            before = compiled_so_far()
            began, useful, flops, places = time.perf_counter(), 0, 0.0, 0
        for _ in step:
            batch: Batch = next(batches)
            loss = learner(batch) / (TAUGHT * sizes.batch_tokens)
            loss.backward()
            useful += batch.useful
            places += batch.input_ids.numel()
            flops += shape_here.flops(batch.useful, batch.squares, len(batch.targets))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        update.step()
        update.zero_grad(set_to_none=True)
    _wait(device)
    seconds = time.perf_counter() - began
    peak = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else None
    return Measured(seconds, useful, flops, places, peak, compiled_so_far() - before)


def compiled_so_far() -> int:
    """Graphs that torch compiled in this process, and kernels of attention."""
    return int(counters["stats"]["unique_graphs"]) + flash4.kernels_compiled()


def _some(found: Iterator[Step], count: int) -> list[Step]:
    return [step for step, _ in zip(found, range(count), strict=False)]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def asked_for() -> argparse.Namespace:
    """The arguments; status 2 for those that nothing could be measured with."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default="1.3b,350m", help=f"of {', '.join(SHAPES)}; default: %(default)s")
    parser.add_argument("--steps", type=int, default=50, help="timed ones; default: %(default)s")
    parser.add_argument("--micro-tokens", type=int, default=32_768, help="at once; default: %(default)s")
    parser.add_argument("--batch-tokens", type=int, default=131_072, help="a step; default: %(default)s")
    parser.add_argument("--longest", type=int, default=2048, help="tokens of a document; default: %(default)s")
    parser.add_argument("--no-compile", action="store_true", help="layers as they are written")
    parser.add_argument("--padded", action="store_true", help="padded batches beside them, a tenth of the steps")
    asked = parser.parse_args()
    asked.shapes = asked.shapes.split(",")
    for shape in asked.shapes:
        if shape not in SHAPES:
            parser.error(f"--shapes {shape}: expected one of {', '.join(SHAPES)}")
    if asked.steps < 1:
        parser.error(f"--steps {asked.steps}: expected at least 1")
    if not SHORTEST <= asked.longest <= asked.micro_tokens <= asked.batch_tokens:
        parser.error(
            f"--longest {asked.longest}, --micro-tokens {asked.micro_tokens}, --batch-tokens {asked.batch_tokens}: "
            f"expected {SHORTEST} <= longest <= micro-tokens <= batch-tokens"
        )
    return asked


def row(name: str, found: Measured, count: int, product: float) -> str:
    """A line of the table."""
    rate = found.flops / found.seconds
    peak = "-" if found.peak_gib is None else f"{found.peak_gib:.1f}"
    return (
        f"| {name} | {found.useful / found.seconds:,.0f} | {found.useful / found.places:.3f} | {rate / 1e12:,.4g} |"
        f" {rate / H200_BF16_FLOPS:.1%} | {rate / product:.1%} | {peak} | {found.seconds / count * 1e3:,.0f} |"
    )


def main() -> None:
    """Print the table."""
    asked = asked_for()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        print(NO_GPU.format(asked=", ".join(asked.shapes)))
        vars(asked).update(TOY)
    size, product = matrix_flops(device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    attention = "FlashAttention 4" if flash4.serves() else "torch's own attention"
    print(f"{name}, torch {torch.__version__}, {attention};", end=" ")
    print(f"a product of {size} x {size} x {size} in bfloat16: {product / 1e12:,.4g} TFLOP/s.\n")
    print(
        "| shape, batches | useful tokens/s | share of tokens useful | TFLOP/s, honest"
        f" | MFU of {H200_BF16_FLOPS / 1e12:.0f} | of the product here | peak GiB | ms a step |"
    )
    print("|---|---|---|---|---|---|---|---|")
    failed = False
    for shape in asked.shapes:
        for batches in ("pack", *(["pad"] if asked.padded else [])):
            sizes = Sizes(batches, asked.micro_tokens, None, asked.batch_tokens)
            count = asked.steps if batches == "pack" else max(3, asked.steps // 10)
            compiled = not asked.no_compile and batches == "pack"
            found = measure(shape, sizes, asked.longest, count, compiled, device)
            told = f"{shape}, {batches}{', compiled' if compiled else ''}"
            print(row(told, found, count, product), flush=True)
            if found.compiled and device.type == "cuda":
                print(f"{told}: {found.compiled} compilations in the timed steps, not to be used", file=sys.stderr)
            failed |= device.type == "cuda" and not _holds(shape, batches, found)
            _forget(device)
    sys.exit(int(failed))


def _holds(shape: str, batches: str, found: Measured) -> bool:
    """Whether the figure is one, and reaches the bar where there is one."""
    bar = BARS.get(shape, 0.0) if batches == "pack" else 0.0
    return not found.compiled and found.flops / found.seconds >= bar * H200_BF16_FLOPS


def _forget(device: torch.device) -> None:
    """Nothing of one network stands in the memory that the next one is measured in."""
    torch._dynamo.reset()
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
