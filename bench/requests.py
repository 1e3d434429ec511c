"""What a chat request costs the client, and whether it keeps a slow server busy: `gen run` beside a raw loop.

    python -m bench.requests [--dialogues 4000] [--turns 3] [--slow-dialogues 6000]

Two tables in Markdown. The first: at 0 ms with 64 dialogues in flight, CPU (user and system time of the whole process)
per request, as it is and with start-up taken off (a run of 64 dialogues, subtracted). The second: at 500 +- 150 ms with
256 in flight, which give 512 requests/s at most, the share of that which the server saw, ramp and drain left out. Raw
is bench/raw.py with as many requests of as many bytes; the two take turns. Openers are plain lines of the bench's own,
and each dialogue has 3 rounds, five requests.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from bench.child import Cost, endpoint, gen_run, page, run, shown
from bench.raw import command as raw_command

FEW = 64
"""Dialogues of the run that is taken for the start-up."""
REQUESTS_PER_DIALOGUE = 5
RAMP_S, DRAIN_S = 5, 6
"""Seconds at either end of a slow run that do not count: its dialogues begin together and end together."""
SLOW = ("--latency-ms", "500", "--jitter-ms", "150")
SLOW_FLIGHT, SLOW_LATENCY_S = 256, 0.5


@dataclass(frozen=True, slots=True)
class Measured:
    """One child's bill, and what the server saw of it."""

    cost: Cost
    stats: dict[str, Any]

    @property
    def requests(self) -> int:
        """Requests that were answered."""
        return int(self.stats["n200"])

    @property
    def body_bytes(self) -> int:
        """A request's body, on average."""
        return int(self.stats["bytes_in"]) // self.requests


@dataclass(frozen=True, slots=True)
class Bench:
    """A server, and the folder for what is made at it."""

    base_url: str
    folder: Path
    openers: Path
    flight: int
    numbers: "count[int]"

    def gen(self, dialogues: int) -> Measured:
        """A whole `gen run` in a folder of its own."""
        more = ["--openers", str(self.openers), "--rounds", "3-3", "--concurrency", str(self.flight)]
        return self._measured(gen_run(self.folder / str(next(self.numbers)), dialogues, self.base_url, *more))

    def raw(self, requests: int, size: int) -> Measured:
        """The raw loop with so many requests of so many bytes."""
        return self._measured(raw_command(self.base_url, requests, self.flight, size))

    def _measured(self, command: list[str]) -> Measured:
        page(self.base_url, "/reset", b"")
        return Measured(run(command), page(self.base_url, "/stats"))


def openers(path: Path, count: int) -> Path:
    """A file of so many distinct plain lines."""
    places = ("harbour", "bay", "river mouth", "island", "strait", "fjord", "lagoon")
    lines = (
        f"Why is the tide at {places[i % 7]} number {i} later every day than the one before?\n" for i in range(count)
    )
    path.write_text("".join(lines))
    return path


def per_request_ms(whole: Measured, few: Measured) -> tuple[float, float]:
    """Milliseconds of CPU per request: of the whole process, and without its start-up."""
    rest_s, rest = whole.cost.cpu_s - few.cost.cpu_s, whole.requests - few.requests
    return 1000 * whole.cost.cpu_s / whole.requests, 1000 * rest_s / rest


def turns(bench: Bench, dialogues: int, times: int) -> Iterator[dict[str, tuple[float, float]]]:
    """CPU per request of both, measured in turn so many times."""
    for _ in range(times):
        few, whole = bench.gen(FEW), bench.gen(dialogues)
        raw_few, raw = (bench.raw(made.requests, whole.body_bytes) for made in (few, whole))
        yield {"gen run": per_request_ms(whole, few), "raw aiohttp": per_request_ms(raw, raw_few)}


def cpu_table(found: list[dict[str, tuple[float, float]]], requests: int) -> str:
    """Medians, with least and most; the ratio is taken within each turn, since the machine's speed varies."""
    rows = [
        f"| client, {requests:,} requests | CPU ms per request | start-up subtracted | ratio to raw, so |",
        "|---|---|---|---|",
    ]
    for name in found[0]:
        whole, rest = ([turn[name][i] for turn in found] for i in (0, 1))
        ratios = [turn[name][1] / turn["raw aiohttp"][1] for turn in found]
        rows.append(f"| {name} | {_spread(whole, 3)} | {_spread(rest, 3)} | {_spread(ratios, 2)} |")
    return "\n".join(rows)


def _spread(values: list[float], digits: int) -> str:
    low, middle, high = (f"{value:.{digits}f}" for value in (min(values), median(values), max(values)))
    return middle if low == high else f"{middle} ({low}-{high})"


def share_used(stats: dict[str, Any]) -> float:
    """The share of the most possible requests that came in, in the seconds between ramp and drain."""
    seconds = [int(stats["per_sec"].get(str(second), 0)) for second in range(int(stats["span_s"]) + 1)]
    inner = seconds[RAMP_S:-DRAIN_S]
    return sum(inner) / len(inner) * SLOW_LATENCY_S / SLOW_FLIGHT


def slow_table(bench: Bench, dialogues: int) -> str:
    """Shares of both at a slow server."""
    made = bench.gen(dialogues)
    raw = bench.raw(made.requests, made.body_bytes)
    rows = [
        "| client | share of 512 requests/s | CPU ms per request, whole process | seconds counted |",
        "|---|---|---|---|",
    ]
    for name, one in (("gen run", made), ("raw aiohttp", raw)):
        counted = int(one.stats["span_s"]) + 1 - RAMP_S - DRAIN_S
        cpu_ms = 1000 * one.cost.cpu_s / one.requests
        rows.append(f"| {name} | {100 * share_used(one.stats):.1f} % | {cpu_ms:.3f} | {counted} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=int, default=4000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--slow-dialogues", type=int, default=6000, help="0: leave the slow server out")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, numbers = Path(name), count()
        lines = openers(folder / "openers.txt", max(asked.dialogues, asked.slow_dialogues))
        if asked.dialogues:
            with endpoint() as base_url:
                found = list(turns(Bench(base_url, folder, lines, 64, numbers), asked.dialogues, asked.turns))
            print(cpu_table(found, asked.dialogues * REQUESTS_PER_DIALOGUE), end="\n\n", flush=True)
        if asked.slow_dialogues:
            with endpoint(*SLOW) as base_url:
                print(
                    slow_table(Bench(base_url, folder, lines, SLOW_FLIGHT, numbers), asked.slow_dialogues), end="\n\n"
                )
    command = shown(gen_run(Path("OUT"), asked.dialogues, "URL", "--openers", "LINES.txt", "--rounds", "3-3"))
    print(f"each: `{command} --concurrency 64` (or 256)")


if __name__ == "__main__":
    main()
