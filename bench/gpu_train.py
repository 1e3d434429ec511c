"""Useful tokens a second and the honest share of a GPU's peak, for packed and for padded batches: Markdown tables.

    python -m bench.gpu_train [--shapes 1.3b,350m] [--steps 50] [--micro-tokens 32768] [--no-compile] [--padded]

Random weights in shapes of Llama, random tokens, lengths as chat has them: log-normal, mean about 600 tokens, a third
taught. What is timed is what `gen train` does: order, collation, copies to the device, forward and backward passes in
bfloat16 with weights and moments in float32, clipping, AdamW. Compilation and three steps of warm-up are left out.
Attention is FlashAttention 4's where it is installed (`duologue[flash]`), torch's own elsewhere.
FLOPs are counted as trainer/nets/flops.py says. Without a GPU the same runs at toy size, as a rehearsal.
"""

import argparse
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from trainer.batches.collate import Batch, collate
from trainer.batches.order import Sizes, Step, steps
from trainer.loop.feed import ahead
from trainer.loop.optim import optimizer
from trainer.loop.ready import prepared
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
VOCABULARY = 32_000
TAUGHT = 1 / 3
WARM_UP = 3


class Chat:
    """Documents of random tokens, made when they are asked for."""

    def __init__(self, count: int, longest: int, vocabulary: int) -> None:
        chance = np.random.default_rng(1)
        self.lengths = np.clip(chance.lognormal(6.15, 0.75, count), 16, longest).astype(np.int64)
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
    peak_gib: float


def matrix_flops(device: torch.device) -> float:
    """FLOP/s of a large product of random bfloat16 matrices on this very device."""
    size = 8192 if device.type == "cuda" else 512
    one, other = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    for _ in range(3):
        one @ other
    _wait(device)
    began = time.perf_counter()
    for _ in range(20):
        one @ other
    _wait(device)
    return 20 * 2 * size**3 / (time.perf_counter() - began)


def compile_attention(heads: int, width: int, device: torch.device) -> None:
    """FlashAttention 4's kernels for rows of few documents and of many: neither is to be compiled in a timed step."""
    if device.type == "cuda" and flash4.serves():
        for documents in (1, flash4.MANY_DOCUMENTS + 1):
            part = torch.zeros(documents, heads, width, device=device, dtype=torch.bfloat16, requires_grad=True)
            bounds = torch.arange(documents + 1, dtype=torch.int32, device=device)
            flash4.attend((part, part * 1, part * 1), bounds, 1, None).sum().backward()


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
    compile_attention(config.num_attention_heads, config.head_dim, device)
    update = optimizer(model, settings)
    chat = Chat(200_000, longest, vocabulary)
    shape_here = shape_of(model)
    fixed = (sizes.micro_tokens, longest) if compiled and sizes.batches == "pack" else None
    found = _some(steps(chat.lengths, sizes, 0, 0), WARM_UP + count)
    batches = ahead((collate(micro, chat, 0, fixed=fixed) for step in found for micro in step), device)
    useful, flops, places = 0, 0.0, 0
    began = 0.0
    for number, step in enumerate(found):
        if number == WARM_UP:
            _wait(device)
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
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
    peak = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else float("nan")
    return Measured(seconds, useful, flops, places, peak)


def _some(found: Iterator[Step], count: int) -> list[Step]:
    return [step for step, _ in zip(found, range(count), strict=False)]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default="1.3b,350m")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--micro-tokens", type=int, default=32_768)
    parser.add_argument("--batch-tokens", type=int, default=131_072)
    parser.add_argument("--longest", type=int, default=2048)
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--padded", action="store_true", help="padded batches beside them, a tenth of the steps")
    asked = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_float32_matmul_precision("high")
    if device.type == "cpu":
        asked.shapes, asked.micro_tokens, asked.batch_tokens, asked.steps, asked.longest = "toy", 2048, 4096, 3, 512
        asked.no_compile = True
        print("No GPU: the plan at toy size. Not a measurement.\n")
    product = matrix_flops(device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    attention = "FlashAttention 4" if flash4.serves() else "torch's own attention"
    print(f"{name}, torch {torch.__version__}, {attention};", end=" ")
    print(f"a product of 8192 x 8192 x 8192: {product / 1e12:,.0f} TFLOP/s.\n")
    print(
        "| shape, batches | useful tokens/s | share of tokens useful | TFLOP/s, honest"
        f" | MFU of {H200_BF16_FLOPS / 1e12:.0f} | of the product here | peak GiB | ms a step |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for shape in asked.shapes.split(","):
        for batches in ("pack", *(["pad"] if asked.padded else [])):
            sizes = Sizes(batches, asked.micro_tokens, None, asked.batch_tokens)
            count = asked.steps if batches == "pack" else max(3, asked.steps // 10)
            compiled = not asked.no_compile and batches == "pack"
            found = measure(shape, sizes, asked.longest, count, compiled, device)
            rate = found.flops / found.seconds
            print(
                f"| {shape}, {batches}{', compiled' if compiled else ''} | {found.useful / found.seconds:,.0f} |"
                f" {found.useful / found.places:.3f} | {rate / 1e12:,.1f} | {rate / H200_BF16_FLOPS:.1%} |"
                f" {rate / product:.1%} | {found.peak_gib:.1f} | {found.seconds / count * 1e3:,.0f} |",
                flush=True,
            )
            if device.type == "cuda":
                torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
