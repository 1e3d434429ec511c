"""Children of a measurement: `gen` and the endpoint as processes of their own, with the CPU and memory they took."""

import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[1]
GEN = [sys.executable, "-m", "gen.main"]
ENDPOINT = [sys.executable, str(Path(__file__).with_name("endpoint.py")), "--port", "0"]
BILL = Path(__file__).with_name("bill.py")
QUIET = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

_MB = 1e6


@dataclass(frozen=True, slots=True)
class Cost:
    """What a child took."""

    status: int
    wall_s: float
    cpu_s: float
    """User and system time of the process and the children that it waited for, start-up included."""
    peak_mb: float
    """Most resident memory of one of them, in 10^6 bytes; nan where the system does not tell it."""


def finished(child: "subprocess.Popen[Any]", started: float) -> Cost:
    """Wait for the child and read its bill from the system.

    A child starts with its parent's peak as its own, so one that stays below the parent's does not show (`run` sees
    it: bill.py).
    """
    _, status, used = os.wait4(child.pid, 0)
    wall_s = time.monotonic() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_mb = used.ru_maxrss * unit / _MB if used.ru_maxrss > own else math.nan
    return Cost(child.returncode, wall_s, used.ru_utime + used.ru_stime, peak_mb)


def start(command: Sequence[str], **more: Any) -> "subprocess.Popen[Any]":
    """A child in the repository's root, its notes thrown away."""
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=ROOT, env=QUIET, **{**streams, **more})


def run(command: Sequence[str], statuses: Sequence[int] = (0,)) -> Cost:
    """The bill of a command; RuntimeError, with what it said, where its exit status is none of these."""
    told, tells = os.pipe()
    small = [sys.executable, "-I", "-S", str(BILL), str(tells), *command]
    with open(told, encoding="utf-8") as bill:
        child = start(small, stderr=subprocess.PIPE, text=True, pass_fds=(tells,))
        os.close(tells)
        said = child.communicate()[1]
        cost = Cost(**json.load(bill))
    if cost.status not in statuses:
        raise RuntimeError(f"{' '.join(command)}: exit status {cost.status}\n{said[-2000:]}")
    return cost


@contextmanager
def endpoint(*flags: str) -> Iterator[str]:
    """The base URL of a bench endpoint that lives as long as the block."""
    child = start([*ENDPOINT, *flags], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        yield child.stdout.readline().strip()
    finally:
        child.terminate()
        child.wait()
        child.stdout.close()


def page(base_url: str, path: str, body: bytes | None = None) -> Any:
    """What a page of the endpoint says."""
    with urlopen(Request(base_url.removesuffix("/v1") + path, body)) as reply:
        return json.load(reply)


def gen_run(out: Path, n: int, base_url: str, *more: str) -> list[str]:
    """The command that makes n dialogues at an endpoint."""
    command = ["run", "--sector", "world-questions", "--n", str(n), "--out", str(out), "--endpoint", base_url]
    return [*GEN, *command, *more]


def shown(command: Sequence[str]) -> str:
    """The command as a person would type it."""
    return " ".join(["python" if part == sys.executable else part for part in command]).replace(
        "python -m gen.main", "gen"
    )
