"""Useful tokens per CPU-second on ragged dialogues, beside HF Trainer and TRL: a Markdown table.

    python -m bench.training [FOLDER] [--rows 800] [--steps 21] [--only ours,packing]

Every contender gets the same rows (bench/ragged.py) in a process of its own (bench/contenders.py), one after another
and each alone: the same network, the same precision unless its name says otherwise, AdamW, clipping at 1, one thread.
Useful tokens are no padding. CPU seconds are those of the steps alone: imports, data and the first step are left out.
A step is 16 dialogues, or 2,048 tokens where they are packed. Where batches come in random order a training ends after
so many steps; where they are sorted by length, after an epoch. With FOLDER (it holds `dialogues/`) also the dialogues
turned into masked examples per CPU-second. Status 1: a bar was missed.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator

import torch

from bench.child import QUIET, ROOT
from bench.contenders import CONTENDERS, GROUP_NAME, HF_NAME, PACK_NAME, PACKING_NAME, SCRATCH, SEED, Bill
from bench.ragged import figures, rows_of

BARS = ((HF_NAME, 5.5), (PACKING_NAME, 2.9))
"""The better of ours in float32 against each."""


def billed(name: str, rows: int, steps: int) -> Bill | None:
    """The bill of a contender's training; None where it is not installed, or failed, said on stderr."""
    needed = {"TRL": "trl", "HF": "accelerate"}.get(name.split()[0])
    if needed is not None and importlib.util.find_spec(needed) is None:
        print(f"{name}: {needed} is not installed, left out", file=sys.stderr)
        return None
    command = [sys.executable, "-m", "bench.contenders", name, str(rows), str(steps)]
    child = subprocess.run(command, cwd=ROOT, env=QUIET, capture_output=True, text=True, check=False)
    if child.returncode:
        print(f"{name}: {child.stderr.strip()[-2000:]}", file=sys.stderr)
        return None
    return Bill(**json.loads(child.stdout.strip().split("\n")[-1]))


def lines(bills: dict[str, Bill]) -> Iterator[str]:
    """The table's rows."""
    yield "| trainer | useful tokens/CPU-s | non-pad | x HF padded | x TRL packing | tokens | CPU s |"
    yield "|---|---|---|---|---|---|---|"
    for name, bill in bills.items():
        ratios = " | ".join(_ratio(bill, bills.get(other)) for other in (HF_NAME, PACKING_NAME))
        share = bill.useful / bill.places
        yield f"| {name} | {bill.rate:,.0f} | {share:.2f} | {ratios} | {bill.useful:,} | {bill.cpu_s:.0f} |"


def _ratio(bill: Bill, other: Bill | None) -> str:
    return "-" if other is None else f"{bill.rate / other.rate:.2f}"


def bars(bills: dict[str, Bill]) -> Iterator[tuple[str, bool]]:
    """What was promised, and whether it was kept; nothing of those that did not run."""
    ours = [bills[name] for name in (GROUP_NAME, PACK_NAME) if name in bills]
    for other, bar in BARS:
        if ours and other in bills:
            found = max(bill.rate for bill in ours) / bills[other].rate
            yield f"{bar} x {other}: {'kept' if found >= bar else 'MISSED'} ({found:.2f})", found >= bar


def encoding(folder: str) -> str:
    """Masks made per CPU-second, as bench/encoding.py says it."""
    command = [sys.executable, "-m", "bench.encoding", folder]
    said = subprocess.run(command, cwd=ROOT, env=QUIET, capture_output=True, text=True, check=True).stdout
    return "Dialogues into ids and masks (bench/encoding.py): " + "; ".join(said.strip().split("\n")) + "."


def bfloat16_said() -> str:
    """What bfloat16 is worth on this CPU, in a sentence."""
    if torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return "bf16 is another precision than the peers' here: a figure beside, held to no bar."
    return "bf16 is held to no bar; this CPU has no instructions for it and multiplies it slower than float32."


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--rows", type=int, default=800)
    parser.add_argument("--steps", type=int, default=21, help="of each, the first one left out")
    parser.add_argument("--only", default="", help="parts of names, by commas")
    asked = parser.parse_args()
    parts = asked.only.split(",")
    bills = {}
    for name in CONTENDERS:
        if any(part in name for part in parts) and (bill := billed(name, asked.rows, asked.steps)) is not None:
            bills[name] = bill
            print(f"{name}: {bill.rate:,.0f}", file=sys.stderr)
    print(f"{figures(rows_of(asked.rows, SCRATCH.vocabulary, SEED))}. torch {torch.__version__},", end=" ")
    print(f"{torch.backends.cpu.get_cpu_capability()}, one thread. {bfloat16_said()}\n")
    print("\n".join(lines(bills)))
    found = list(bars(bills))
    if found:
        print("\nBars, the better of ours in float32: " + "; ".join(said for said, _ in found) + ".")
    if asked.folder:
        print("\n" + encoding(asked.folder))
    return 0 if all(kept for _, kept in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
