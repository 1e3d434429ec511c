"""`gen filter` on a whole run with leaks planted into it: time, nothing lost, every verbatim leak found.

    python -m bench.whole_chain RUN BENCHMARK... [--leaks 200] [--workers 2] [--keep DIR]

RUN is a run folder (100,000 dialogues of `--endpoint builtin` for the published figure), each BENCHMARK a file as for
`gen filter --benchmark`. Questions of at least 8 words are put in front of dialogues that the run holds, word for word.
"""

import argparse
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import orjson

from filters.leaks.benchmark import load_all
from generator.progress import duration


def planted(run: Path, out: Path, specs: Sequence[str], leaks: int) -> set[str]:
    """Write the run's dialogues with leaks among them; the ids of the dialogues that hold one."""
    lines = (run / "dialogues.jsonl").read_bytes().splitlines()
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
    parser.add_argument("run", type=Path)
    parser.add_argument("benchmarks", nargs="+")
    parser.add_argument("--leaks", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    leaks = planted(given.run, folder / "planted.jsonl", given.benchmarks, given.leaks)
    command = [sys.executable, "-m", "gen.main", "filter", folder / "planted.jsonl", "--out", folder / "out"]
    named = [part for spec in given.benchmarks for part in ("--benchmark", spec)]
    began = time.monotonic()
    subprocess.run([*command, *named, "--workers", str(given.workers)], check=True, stdout=subprocess.DEVNULL)
    wall_s = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = orjson.loads((folder / "out/report.json").read_bytes())
    with (folder / "out/kept.jsonl").open("rb") as file:
        kept = [orjson.loads(line)["id"] for line in file]
    missed = leaks.intersection(kept)
    rows = [
        ["read", f"{report['read']:,}"],
        ["kept + dropped", f"{report['kept']:,} + {report['dropped']:,} = {report['kept'] + report['dropped']:,}"],
        *([f"dropped by {step['name']}", f"{step['dropped']:,}"] for step in report["filters"] if step["dropped"]),
        ["planted leaks kept", f"{len(missed)} of {len(leaks)}"],
        ["wall", duration(wall_s)],
        ["CPU, all processes", f"{used.ru_utime + used.ru_stime:,.0f} s"],
        ["peak RSS of one process", f"{used.ru_maxrss / 1024:,.0f} MB"],
    ]
    print(f"| | default chain, {given.workers} workers |\n|---|---|")
    print("\n".join(f"| {name} | {value} |" for name, value in rows))
    if given.keep is None:
        shutil.rmtree(folder)
    return int(bool(missed) or report["kept"] + report["dropped"] != report["read"])


if __name__ == "__main__":
    raise SystemExit(main())
