"""`gen run --sector a:3,b:1`: a run for each sector, each in a folder of its own below the mixture's."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from dialogue.disk import writing_to
from dialogue.errors import RunStopped, UsageError
from dialogue.jsonl import write_atomically
from dialogue.mixtures import FILE, counts, read
from gen.config import MOST_WEIGHT, check_named, number_above_0, read_project, run_settings, whole_number
from generator.settings import RunSettings


def weights_of(flags: Mapping[str, Any], config: Path | None) -> dict[str, float] | None:
    """Sectors and their weights; None where one sector is asked for, without a weight."""
    asked = flags.get("sector")
    if asked is None and config is not None:
        asked = read_project(config).get("run", {}).get("sector")
    if isinstance(asked, dict):
        parts = [(str(name), weight) for name, weight in asked.items()]
    elif isinstance(asked, str) and ("," in asked or ":" in asked):
        parts = [(name.strip(), weight or 1) for name, _, weight in (part.partition(":") for part in asked.split(","))]
    else:
        return None
    found: dict[str, float] = {}
    for name, weight in parts:
        if not name or name in found:
            raise UsageError(f"--sector {asked}: expected sectors and weights, as creation:3,recall:1, each once")
        found[name] = number_above_0(f"--sector: weight of {name}", weight)
        if found[name] > MOST_WEIGHT:
            raise UsageError(f"--sector: weight of {name} {weight}: expected at most {MOST_WEIGHT:,}")
    return found


def settings_of_parts(
    weights: Mapping[str, float], flags: Mapping[str, Any], config: Path | None
) -> dict[str, RunSettings]:
    """The settings of each sector's run; sectors that get no dialogue are left out. Raises UsageError."""
    table = read_project(config).get("run", {}) if config else {}
    for name in ("openers", "input"):
        if name in {**table, **flags}:
            raise UsageError(f"--{name} with several sectors: it is one sector's; run them one by one")
    check_named({**table, **flags}, list(weights), config)
    n = whole_number("--n", {**table, **flags}["n"])
    out = Path(str({**table, **flags}.get("out", Path("runs") / "mixture")))
    shares = counts(dict(weights), n)
    return {
        name: run_settings({**flags, "sector": name, "n": str(count), "out": str(out / name)}, config)
        for name, count in shares.items()
        if count
    }


def run_parts(
    parts: Mapping[str, RunSettings], weights: Mapping[str, float], run: Callable[[RunSettings], dict[str, Any]]
) -> dict[str, Any]:
    """Run one sector after the other; a cap on money or requests is for all together.

    Returns the summaries by sector, all that there is, and a status: of the first part that was stopped, which ends the
    whole; else 1 where a dialogue failed.
    """
    from generator.checks import check

    for part in parts.values():
        check(part)
    out = next(iter(parts.values())).out.parent
    _begin(out, weights, [part.out for part in parts.values()])
    summaries: dict[str, dict[str, Any]] = {}
    for name, part in parts.items():
        summaries[name] = run(_within(part, [other.out for one, other in parts.items() if one != name]))
        if summaries[name]["status"] not in (0, 1):
            break
    statuses = [one["status"] for one in summaries.values()]
    total = {key: sum(one[key] for one in summaries.values()) for key in ("dialogues", "failed")}
    stopped = next((one["stopped"] for one in summaries.values() if one["stopped"]), None)
    return {"status": max(statuses), "out": str(out), **total, "stopped": stopped, "sectors": summaries}


def _begin(out: Path, weights: Mapping[str, float], folders: Sequence[Path]) -> None:
    """Note the weights; another mixture in the same folder is refused, and runs that were there before."""
    if (out / FILE).is_file():
        if read(out) != dict(weights):
            raise UsageError(f"{out}: was begun with other sectors or weights; choose another --out")
        return
    if (out / "dialogues.jsonl").exists():
        raise UsageError(f"{out}: holds a run of one sector; choose another --out")
    if there := next((folder for folder in folders if (folder / "run.json").exists()), None):
        raise UsageError(f"{there}: is a run of its own; choose another --out for the mixture")
    with writing_to(out):
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / FILE, [orjson.dumps({"weights": dict(weights)}, option=orjson.OPT_APPEND_NEWLINE)])


def _within(part: RunSettings, others: list[Path]) -> RunSettings:
    """The part with what the others have left of the caps."""
    spent = [meter for other in others if (meter := _meter(other))]
    caps: dict[str, Any] = {}
    if part.max_cost_usd is not None:
        caps["max_cost_usd"] = part.max_cost_usd - sum(one.get("cost_usd") or 0.0 for one in spent)
    if part.max_requests is not None:
        caps["max_requests"] = part.max_requests - sum(one.get("requests") or 0 for one in spent)
    for name, left in caps.items():
        if left <= 0:
            raise RunStopped(
                f"{part.out}: nothing is left of --{name.removesuffix('_usd').replace('_', '-')}; raise it"
            )
    return part.model_copy(update=caps)


def _meter(folder: Path) -> dict[str, Any]:
    try:
        found: Any = orjson.loads((folder / "summary.json").read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    meter = found.get("meter") if isinstance(found, dict) else None
    return meter if isinstance(meter, dict) else {}
