"""How much of a provider's rate limit is used, and at what price in 429s: one Markdown row.

    python -m bench.rates [--engine] [--seconds 150] [--rpm 600] [--tpm 0] [--kind bucket|sliding]

Starts bench/endpoint.py as a child and lets 64 plain workers (no dialogue, no journal) ask it through the pace; with
`--engine` it is a whole `gen run` of 64 dialogues at a time, told the same limits, interrupted when the time is over.
The time runs from the first request; "lost" are workers that broke, or dialogues that failed.
"""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from bench.child import endpoint, finished, gen_run, page, shown, start
from bench.requests import openers
from generator.pace.pace import Pace, retry_after_s

WORKERS = 64
LATENCY_MS, JITTER_MS = 200, 50
DIALOGUES = 5000
"""Of the engine's run: more than any load here gets through."""
HEADER = "| limit | driver | used % | 429s | lost | most in 1 s | CPU % of a core |\n|---|---|---|---|---|---|---|"


@dataclass(frozen=True)
class Load:
    """What the endpoint allows, and for how long it is asked."""

    kind: str
    rpm: int
    tpm: int
    seconds: float


@dataclass(frozen=True)
class Driven:
    """What a driver lost and burned, and the endpoint's counters at the end of its time."""

    lost: int
    cpu_s: float
    stats: dict[str, Any]


Driver = Callable[[str, Load], Driven]
"""Asks the endpoint at a base URL for the load's seconds."""


def measure(load: Load, driver: Driver) -> Driven:
    """A driver at an endpoint with these limits."""
    limits = ["--limit", load.kind, "--rpm", str(load.rpm), "--tpm", str(load.tpm)]
    with endpoint(*limits, "--latency-ms", str(LATENCY_MS), "--jitter-ms", str(JITTER_MS)) as base_url:
        return driver(base_url, load)


def run_command(folder: Path, base_url: str, load: Load) -> list[str]:
    """The run that is told the limits of the load."""
    limits = [("--rpm", load.rpm), ("--tpm", load.tpm)]
    flags = [part for flag, limit in limits if limit for part in (flag, str(limit))]
    return gen_run(
        folder / "run", DIALOGUES, base_url, "--openers", str(folder / "openers.txt"), "--rounds", "3-3", *flags
    )


def engine(base_url: str, load: Load) -> Driven:
    """A whole run, interrupted at the end of its time."""
    with tempfile.TemporaryDirectory() as name:
        openers(Path(name) / "openers.txt", DIALOGUES)
        started, child = time.monotonic(), start(run_command(Path(name), base_url, load))
        while not page(base_url, "/count")["received"]:
            time.sleep(0.01)
        time.sleep(load.seconds)
        stats = page(base_url, "/stats")
        child.send_signal(signal.SIGINT)
        cost = finished(child, started)
        if cost.status != 130:
            raise RuntimeError(f"the run ended with status {cost.status}, not by the interrupt")
        summary = orjson.loads((Path(name) / "run" / "summary.json").read_bytes())
    return Driven(summary["failed"], cost.cpu_s, stats)


def workers(base_url: str, load: Load) -> Driven:
    """64 workers that ask, wait for the answer, and ask again."""
    cpu_s = time.process_time()
    lost = asyncio.run(_work(base_url, load))
    return Driven(lost, time.process_time() - cpu_s, page(base_url, "/stats"))


async def _work(base_url: str, load: Load) -> int:
    pace = Pace(load.rpm or None, load.tpm or None, lambda note: print(note, file=sys.stderr))
    until = time.monotonic() + load.seconds
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        tasks = [asyncio.create_task(_ask(session, base_url, pace, until)) for _ in range(WORKERS)]
        await asyncio.sleep(load.seconds / 2)
        print(f"at half time: {pace.limiting()}", file=sys.stderr)
        await asyncio.sleep(load.seconds / 2)
        pace.close()
        done = await asyncio.gather(*tasks, return_exceptions=True)
    return sum(isinstance(end, Exception) for end in done)


async def _ask(session: aiohttp.ClientSession, base_url: str, pace: Pace, until: float) -> None:
    body = json.dumps({"model": "mock", "messages": [{"role": "user", "content": "How do tides work? " * 14}]}).encode()
    headers = {"content-type": "application/json"}
    estimated = len(body) // 4 + 100  # a third too much: the reply's usage has to mend it
    while time.monotonic() < until:
        await pace.admit(estimated, 0)
        async with session.post(f"{base_url}/chat/completions", data=body, headers=headers) as reply:
            answer = await reply.json()
        if reply.status == 429:
            pace.rejected(retry_after_s(reply.headers))
            pace.settle(estimated, 0)
        else:
            pace.accepted(reply.headers)
            pace.settle(estimated, answer["usage"]["total_tokens"])


def row(load: Load, name: str, result: Driven) -> str:
    """The Markdown row of one measurement; the tighter of the two limits is the one whose share counts."""
    minutes = load.seconds / 60.0
    used = [
        100.0 * result.stats[count] / (limit * minutes)
        for count, limit in (("n200", load.rpm), ("tokens_ok", load.tpm))
        if limit
    ]
    limit = ", ".join(f"{number:,} {unit}" for number, unit in ((load.rpm, "RPM"), (load.tpm, "TPM")) if number)
    cells = [f"{load.kind} {limit}, {load.seconds:.0f} s", name, f"{max(used):.1f}", result.stats["n429"], result.lost]
    cells += [result.stats["max_in_1s"], f"{100 * result.cpu_s / load.seconds:.1f}"]
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", action="store_true")
    parser.add_argument("--seconds", type=float, default=150.0)
    parser.add_argument("--rpm", type=int, default=600)
    parser.add_argument("--tpm", type=int, default=0)
    parser.add_argument("--kind", choices=["bucket", "sliding"], default="bucket")
    asked = parser.parse_args()
    load = Load(asked.kind, asked.rpm, asked.tpm, asked.seconds)
    name, driver = ("gen run", engine) if asked.engine else ("plain workers", workers)
    print(HEADER, row(load, name, measure(load, driver)), sep="\n")
    if asked.engine:
        print(f"\neach: `{shown(run_command(Path('OUT'), 'URL', load))}`")


if __name__ == "__main__":
    main()
