"""Passages and seeds for the sectors that work on a user's own, and a run killed in its middle."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]

THINGS = ["ferry", "quarry", "orchard", "tunnel", "archive", "lighthouse", "market", "windmill", "harbour", "library"]
DEEDS = ["closed last winter", "was rebuilt by volunteers", "lost its old roof", "now charges an entrance fee"]
REASONS = ["because the engine had failed twice", "after a vote of forty to three", "since nobody paid for repairs"]

SLOW = '[endpoint.slow]\nbase_url = "builtin"\nlatency_ms = 30\n[roles]\n' + "".join(
    f'{role} = "slow"\n' for role in ("opener", "user", "assistant")
)


def passages(path: Path, count: int) -> Path:
    """A file of so many passages, each of three sentences."""
    rows = []
    for number in range(count):
        thing = THINGS[number % 10]
        sentences = [
            f"The {thing} at number {number} {DEEDS[number % 4]}, {REASONS[number % 3]}.",
            f"People of the valley still talk about the {thing} and its keeper, who left in 19{number % 90 + 10}.",
            f"A second {thing} stands {number + 2} miles away, but hardly anyone goes there.",
        ]
        rows.append({"id": f"p{number}", "title": f"The {thing} {number}", "text": " ".join(sentences)})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def seeds(path: Path, count: int) -> Path:
    """A file of so many seeds, one a line."""
    path.write_text(
        "".join(f"Why does a {THINGS[number % 10]} of type {number} need repairs?\n" for number in range(count)),
        encoding="utf-8",
    )
    return path


def killed_and_run_again(place: Path, log: str, lines: int, *words: str, config: str = SLOW) -> Path:
    """The folder of a run on a slow endpoint, killed when a log of its had so many lines, and taken up again."""
    (place / "slow.toml").write_text(config, encoding="utf-8")
    out = place / "killed"
    command = [sys.executable, "-m", "gen.main", "run", *words, "--config", "slow.toml", "--out", str(out)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    quiet = {"cwd": place, "env": environ, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen(command, **quiet)  # type: ignore[call-overload]
    while child.poll() is None and not ((out / log).exists() and (out / log).read_bytes().count(b"\n") >= lines):
        time.sleep(0.01)
    assert child.poll() is None, "it ended before it could be killed"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert subprocess.run(command, **quiet).returncode in (0, 1)  # type: ignore[call-overload]
    return out
