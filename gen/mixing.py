"""`gen run --sector a:3,b:1`: a run for each sector, each in a folder of its own below the mixture's."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from dialogue.disk import writing_to
from dialogue.errors import RunStopped, UsageError
from dialogue.jsonl import write_atomically
from dialogue.mixtures import FILE, counts, read
from gen.config import check_named, read_project, run_settings, whole_number
from gen.sector_tables import FILES, by_sector
from gen.weighing import Weights, asked_weights
from generator.settings import RunSettings

if TYPE_CHECKING:
    from generator.checks import Checked


@dataclass(frozen=True)
class Mixture:
    """Several sectors' runs, their shares and their folder."""

    weights: Weights
    parts: dict[str, RunSettings]
    """By sector; one that gets no dialogue is not among them."""
    out: Path


def mixture_of(flags: Mapping[str, Any], config: Path | None, keys: bool = True) -> Mixture | None:
    """The mixture that flags and TOML ask for; None where it is one sector's run. Raises UsageError.

    Without `keys` no endpoint's key has to be there.
    """
    table = read_project(config).get("run", {}) if config else {}
    weights = asked_weights(flags, table)
    return _mixture(weights, flags, table, config, keys) if weights else None


def _mixture(
    weights: Weights, flags: Mapping[str, Any], table: Mapping[str, Any], config: Path | None, keys: bool
) -> Mixture:
    shares = weights.by_sector
    check_named({**table, **flags}, list(shares), config)
    files = by_sector(flags, table, shares)
    n = whole_number("--n", {**table, **flags}["n"])
    out = Path(str({**table, **flags}.get("out", Path("runs") / "mixture")))
    common = {name: value for name, value in flags.items() if name not in FILES}
    parts = {}
    for name, count in counts(shares, n).items():
        asked = {**common, **files[name], "sector": name, "n": str(max(count, 1)), "out": str(out / name)}
        with naming(name, config):
            settings = run_settings(asked, config, among=list(shares), keys=keys)
        if count:
            parts[name] = settings
    return Mixture(weights, parts, out)


@contextmanager
def naming(sector: str, config: Path | None = None) -> Iterator[None]:
    """Within the block a UsageError says which sector's run it is about; one about the TOML itself is of none."""
    try:
        yield
    except UsageError as error:
        if config and str(error).startswith(f"{config}: "):
            raise
        said = str(error).replace("--input is missing", f"--input {sector}=FILE is missing")
        raise UsageError(f"{sector}: {said}") from None


def check_mixture(mixture: Mixture) -> dict[str, "Checked"]:
    """What a look at each part found, before a request of the first.

    Raises UsageError for the first thing that is wrong with any of them, or other than in the folder. Writes nothing.
    """
    from generator.setting_up import check_whole

    found = {}
    for name, part in mixture.parts.items():
        with naming(name):
            found[name] = check_whole(part)
    _refuse_begun(mixture)
    return found


def run_parts(mixture: Mixture, run: Callable[[RunSettings], dict[str, Any]]) -> dict[str, Any]:
    """Run one sector after the other; a cap on money or requests is for all together.

    Returns the summaries by sector, all that there is, and a status: of the first part that was stopped, which ends the
    whole; else 1 where a dialogue failed.
    """
    parts = mixture.parts
    check_mixture(mixture)
    _begin(mixture)
    summaries: dict[str, dict[str, Any]] = {}
    for name, part in parts.items():
        summaries[name] = run(_within(part, [other.out for one, other in parts.items() if one != name]))
        if summaries[name]["status"] not in (0, 1):
            break
    statuses = [one["status"] for one in summaries.values()]
    total = {key: sum(one[key] for one in summaries.values()) for key in ("dialogues", "failed")}
    stopped = next((one["stopped"] for one in summaries.values() if one["stopped"]), None)
    weights = {"weights": mixture.weights.by_sector, "weights_from": mixture.weights.source}
    return {
        "status": max(statuses), "out": str(mixture.out), **total, "stopped": stopped, **weights, "sectors": summaries,
    }  # fmt: skip


def _begin(mixture: Mixture) -> None:
    """Note the weights, unless they were before and something was made with them."""
    out, weights = mixture.out, mixture.weights
    if (out / FILE).is_file() and _begun(out / name for name in read(out)):
        return
    noted = {"weights": weights.by_sector, **({"from": weights.source} if weights.source else {})}
    with writing_to(out):
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / FILE, [orjson.dumps(noted, option=orjson.OPT_APPEND_NEWLINE)])


def _refuse_begun(mixture: Mixture) -> None:
    """Raise UsageError for another mixture in the same folder, and for runs that were there before."""
    out = mixture.out
    if (out / FILE).is_file():
        old = read(out)
        if _begun(out / name for name in old):
            _refuse_another(out, old, mixture.weights)
    elif (out / "dialogues.jsonl").exists():
        raise UsageError(f"{out}: holds a run of one sector; choose another --out")
    elif there := _begun(part.out for part in mixture.parts.values()):
        raise UsageError(f"{there}: is a run of its own; choose another --out for the mixture")


def _begun(folders: Iterable[Path]) -> Path | None:
    return next((folder for folder in folders if (folder / "run.json").exists()), None)


def _refuse_another(out: Path, old: Mapping[str, float], new: Weights) -> None:
    """Raise UsageError for other sectors or weights than the folder was begun with, or another report."""
    source = orjson.loads((out / FILE).read_bytes()).get("from") or {}
    asked = new.source or {}
    weights = ",".join(f"{name}:{weight:.12g}" for name, weight in old.items())
    if source and asked and source.get("hash") != asked["hash"]:
        raise UsageError(
            f"{out}: was begun with weights from {source.get('report')} as it was, and {asked['report']} says other "
            f"things; choose another --out, or go on with --sector {weights}"
        )
    if dict(old) == new.by_sector:
        return
    if source and not asked:
        raise UsageError(
            f"{out}: was begun with weights from {source.get('report')}; give --weights-from, or --sector {weights}"
        )
    raise UsageError(f"{out}: was begun with other sectors or weights ({weights}); choose another --out")


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
