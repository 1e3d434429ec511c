"""`gen serve`: many clients at once against one, and both beside `model.generate`, on a small model of random weights.

    python -m bench.serving [--clients 64] [--tokens 64]

The server is a process of its own on one thread; its CPU seconds are the system's, start-up left out. Every reply is
drawn at temperature 1 to the same length, so that what differs is how many are drawn at a time.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from bench.child import QUIET, ROOT

WIDTH, LAYERS, VOCABULARY = 256, 6, 4096
PROMPTS = ("Tell me of the sea.", "How do tides work, and who found out? I have wondered since I was a child.", "Why?")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a load gave and took."""

    what: str
    tokens: int
    wall_s: float
    cpu_s: float

    def row(self, first: "Measured") -> str:
        """A row of the table; ratios to the first."""
        rate, cpu = self.tokens / self.wall_s, self.tokens / self.cpu_s
        times = f"{rate / (first.tokens / first.wall_s):.1f} | {cpu / (first.tokens / first.cpu_s):.1f}"
        return f"| {self.what} | {self.tokens:,} | {rate:,.0f} | {cpu:,.0f} | {times} |"


def make_model(folder: Path) -> Any:
    """A Llama of random weights with a byte-level tokenizer; few of its replies end before their length."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from trainer.text.tokenizer import fit

    tokenizer = fit(PROMPTS * 20, 400)
    torch.manual_seed(0)
    sizes = {"hidden_size": WIDTH, "intermediate_size": 4 * WIDTH, "num_hidden_layers": LAYERS}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 1024}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=VOCABULARY, eos_token_id=VOCABULARY - 1, **sizes, **heads))
    tokenizer.chat_template = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return model, tokenizer


def served(folder: Path, clients: Sequence[int], tokens: int) -> list[Measured]:
    """The server under so many clients at a time, one load after the other."""
    command = [sys.executable, "-m", "gen.main", "serve", str(folder), "--port", "0", "--device", "cpu"]
    child = subprocess.Popen(command, cwd=ROOT, env=QUIET, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert child.stdout is not None
    try:
        url = child.stdout.readline().strip()
        bill = psutil.Process(child.pid)
        found = []
        for number in clients:
            asyncio.run(load(url, number, 1, 4))  # the first step of a kind is the slowest
            found.append(_billed(bill, url, number, tokens))
        return found
    finally:
        child.terminate()
        child.wait(20)


def _billed(bill: psutil.Process, url: str, number: int, tokens: int) -> Measured:
    before, started = bill.cpu_times(), time.monotonic()
    drawn = asyncio.run(load(url, number, max(2, 12 // number), tokens))
    after, wall_s = bill.cpu_times(), time.monotonic() - started
    cpu_s = after.user + after.system - before.user - before.system
    return Measured(f"gen serve, {number} client{'s' if number > 1 else ''}", drawn, wall_s, cpu_s)


async def load(url: str, clients: int, each: int, tokens: int) -> int:
    """Tokens drawn for clients that ask one request after the other."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def client(place: int) -> int:
            drawn = 0
            for number in range(each):
                message = {"role": "user", "content": PROMPTS[(place + number) % len(PROMPTS)]}
                body = {"messages": [message], "max_tokens": tokens, "seed": 1000 * place + number}
                async with session.post(f"{url}/chat/completions", json=body) as reply:
                    drawn += (await reply.json())["usage"]["completion_tokens"]
            return drawn

        return sum(await asyncio.gather(*map(client, range(clients))))


def generated(model: Any, tokenizer: Any, rows: int, tokens: int) -> Measured:
    """transformers' own loop in this process, on one thread as the server is, all rows of one length."""
    import torch

    torch.set_num_threads(1)
    ids = torch.tensor([tokenizer(PROMPTS[1])["input_ids"]] * rows)
    options = {"max_new_tokens": tokens, "min_new_tokens": tokens, "do_sample": True, "top_k": 0, "pad_token_id": 0}
    model.generate(ids[:1], attention_mask=torch.ones_like(ids[:1]), **options)
    started, cpu = time.monotonic(), time.process_time()
    model.generate(ids, attention_mask=torch.ones_like(ids), **options)
    return Measured(
        f"model.generate, {rows} row{'s' if rows > 1 else ''}",
        rows * tokens,
        time.monotonic() - started,
        time.process_time() - cpu,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=64)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        model, tokenizer = make_model(Path(place) / "small")
        size = sum(parameter.numel() for parameter in model.parameters()) / 1e6
        numbers = sorted({1, 8, arguments.clients})
        rows = served(Path(place) / "small", numbers, arguments.tokens)
    rows += [generated(model, tokenizer, number, arguments.tokens) for number in (1, arguments.clients)]
    print(f"A Llama of {size:.1f} M parameters, float32, one thread, {arguments.tokens} tokens a reply.\n")
    print("| | tokens | tokens/s | tokens/CPU-s | x the first by time | x the first by CPU |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print(row.row(rows[0]))


if __name__ == "__main__":
    main()
