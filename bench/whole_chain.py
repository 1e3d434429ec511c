"""`gen filter` on a whole run with leaks planted into it: time, nothing lost, every verbatim leak found.

    python -m bench.whole_chain FOLDER [--n 100000] [--run RUN] [--leaks 200] [--workers 2]

RUN is a run folder; without one, a run of `n` dialogues on `builtin` is made first. FOLDER/benchmarks holds GSM8K,
HumanEval, Vicuna, AlpacaEval and Arena-Hard. Questions of at least 8 words are put in front of dialogues, as they are.
"""

import argparse
import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import orjson

from bench.child import GEN, run
from filters.leaks.benchmark import load_all
from generator.progress import duration

BENCHMARKS = {
    "gsm8k": "gsm8k_test.jsonl",
    "humaneval": "human_eval.jsonl",
    "vicuna": "vicuna_bench.jsonl",
    "alpaca_eval": "alpaca_eval_prompts.jsonl",
    "arena_hard": "arena_hard_v0.1.jsonl",
}


def _children(times: os.times_result) -> float:
    return times.children_user + times.children_system


def planted(source: Path, out: Path, specs: Sequence[str], leaks: int) -> set[str]:
    """Write a run's dialogues with leaks among them; the ids of the dialogues that hold one."""
    lines = (source / "dialogues.jsonl").read_bytes().splitlines()
    draw = random.Random(0)
    items = [item for one in load_all(specs) for item in one.items if len(item.question[0].split()) >= 8]
    hosts = draw.sample(range(len(lines)), leaks)
    for host, item in zip(hosts, draw.sample(items, leaks), strict=True):
        row = orjson.loads(lines[host])
        answer = item.answer[0] if item.answer else "That takes some thought; here is how one would begin."
        pair = [{"role": "user", "content": item.question[0]}, {"role": "assistant", "content": answer}]
        row["messages"] = [*pair, *row["messages"]]
        lines[host] = orjson.dumps(row)
    out.write_bytes(b"\n".join(lines) + b"\n")
    return {orjson.loads(lines[host])["id"] for host in hosts}


def main() -> int:
    """Print the table; status 1 where something was lost or a leak was kept."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--leaks", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as at:
        return measured(given, Path(at))


def measured(given: argparse.Namespace, folder: Path) -> int:
    """Plant, filter, print."""
    specs = [f"{name}={given.folder / 'benchmarks' / file}" for name, file in BENCHMARKS.items()]
    source = given.run or folder / "run"
    if given.run is None:
        made = ("--sector", "world-questions", "--n", str(given.n), "--endpoint", "builtin", "--out", str(source))
        run([*GEN, "run", *made], statuses=(0, 1))  # 1: done, some dialogues failed
    leaks = planted(source, folder / "planted.jsonl", specs, given.leaks)
    named = [part for spec in specs for part in ("--benchmark", spec)]
    out = ["--out", str(folder / "out"), "--workers", str(given.workers)]
    began = os.times()
    cost = run([*GEN, "filter", str(folder / "planted.jsonl"), *out, *named])
    ended = os.times()
    report = orjson.loads((folder / "out/report.json").read_bytes())
    with (folder / "out/kept.jsonl").open("rb") as file:
        kept = [orjson.loads(line)["id"] for line in file]
    missed = leaks.intersection(kept)
    rows = [
        ["read", f"{report['read']:,}"],
        ["kept + dropped", f"{report['kept']:,} + {report['dropped']:,} = {report['kept'] + report['dropped']:,}"],
        *([f"dropped by {step['name']}", f"{step['dropped']:,}"] for step in report["filters"] if step["dropped"]),
        ["planted leaks kept", f"{len(missed)} of {len(leaks)}"],
        ["wall", duration(cost.wall_s)],
        ["CPU, all processes", f"{_children(ended) - _children(began):,.0f} s"],
    ]
    print(f"| | default chain, {given.workers} workers |\n|---|---|")
    print("\n".join(f"| {name} | {value} |" for name, value in rows))
    return int(bool(missed) or report["kept"] + report["dropped"] != report["read"])


if __name__ == "__main__":
    raise SystemExit(main())
