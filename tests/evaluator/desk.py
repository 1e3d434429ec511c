"""An evaluation set up for a test: a benchmark, answers that say what they are worth, a judge on loopback."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dialogue.chance import rng
from evaluator.settings import AnswerFile, EvaluateSettings
from evaluator.work import evaluated
from generator.asking import Speaker, Terms
from generator.client.endpoint import Endpoint, Price

WORDS = ["tide", "bread", "glass", "violin", "paper", "coral", "bridge", "chess", "tea", "silk", "clock", "map"]


def questions(path: Path, n: int, kind: str = "all") -> Path:
    """A benchmark in AlpacaEval's layout."""
    rows = [{"id": i, "instruction": f"Tell me about {WORDS[i % 12]} number {i}.", "dataset": kind} for i in range(n)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def answers(path: Path, benchmark: Path, system: str, *, better: float = 0.0, seed: str = "") -> Path:
    """Answers of random worth (3-8) and length, in AlpacaEval's layout; `better` is added to the worth."""
    rows = []
    for line in benchmark.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        draw = rng(system, seed, row["id"])
        text = f"worth {draw.uniform(3, 8) + better:.3f} " + "word " * draw.randint(2, 60)
        rows.append({"instruction": row["instruction"], "output": text.strip(), "generator": system})
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def judge(url: str, **fields: Any) -> Speaker:
    """A judge at a loopback server."""
    price = Price(input=1, output=1)
    return Speaker(endpoint=Endpoint(name="judge", base_url=(url,), model="biased", price=price, **fields))


async def evaluation(out: Path, **fields: Any) -> dict[str, Any]:
    """The report of an evaluation; its notes are under `said`."""
    said: list[str] = []
    terms = fields.pop("terms", Terms(concurrency=16, retry_wait_s=0.01))
    report = await evaluated(EvaluateSettings(out=out, terms=terms, **fields), said.append, lambda *told: None)
    return {**report, "said": said}


async def judged(place: Path, url: str, protocol: str, systems: Sequence[str], n: int, **fields: Any) -> dict[str, Any]:
    """Systems of equal worth judged by one protocol on n questions."""
    benchmark = questions(place / "bench.jsonl", n)
    files = tuple(AnswerFile(path=answers(place / f"{name}.json", benchmark, name)) for name in systems)
    settings = {"benchmarks": (f"bench={benchmark}",), "answers": files, "protocols": (protocol,), "judge": judge(url)}
    return await evaluation(place / "out", **{**settings, **fields})


def figure(report: dict[str, Any], name: str, system: str | None = None, **fields: Any) -> dict[str, Any]:
    """The one figure of this name."""
    found = [
        one
        for one in report["figures"]
        if one["name"] == name
        and (system is None or one["system"] == system)
        and all(one[key] == value for key, value in {"category": None, "split": "all", **fields}.items())
    ]
    assert len(found) == 1, [(one["name"], one["system"], one["category"]) for one in found]
    return found[0]


def holds(found: dict[str, Any], value: float) -> bool:
    """Whether the value lies within three and a half standard errors: of many 95 % intervals one in twenty misses."""
    if found["low"] is None:  # all values are alike
        return bool(found["value"] == value)
    return bool(abs(found["value"] - value) <= 3.5 * found["se"] + 1e-9)
