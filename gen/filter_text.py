"""`gen filter` as a person reads it in a terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from filters.engine.base import Limits
from filters.engine.chain import Step
from gen.text import safe


def filter_report(report: Mapping[str, Any], out: Path) -> str:
    """What was kept, what each filter dropped and why, and where to look."""
    read = report["read"]
    lines = [f"read {read:,}, kept {report['kept']:,} ({_share(report['kept'], read)}), dropped {report['dropped']:,}"]
    if report["refused"]:
        lines[0] += f", refused {report['refused']:,}"
    if report["edited"]:
        lines[0] += f", edited {report['edited']:,}"
    if report["refused"]:
        lines += refused_report(report, out)
    width = max((len(step["name"]) for step in report["filters"]), default=0)
    for step in report["filters"]:
        if step["dropped"] or step["edited"] or step["noted"]:
            lines.append(f"  {step['name']:<{width}}  {step['dropped']:>9,} dropped{_more(step)}")
    lines += _quiet(report) if read > report["refused"] else []
    repeated = report["repeated_ids"]
    if repeated["dialogues"]:
        such_as = f"such as {safe(repeated['such_as'])}"
        lines.append(f"{repeated['dialogues']:,} kept dialogues share an id with another one, {such_as}")
    lines += [
        f"{file['path']}: its last line was cut off and left out" for file in report["inputs"] if file.get("torn")
    ]
    lines += [f"{out}/kept.jsonl", f"{out}/report.html"]
    return "\n".join(lines)


def _quiet(report: Mapping[str, Any]) -> list[str]:
    """The filters that found nothing, and those that no dialogue concerned."""
    steps = [step for step in report["filters"] if not (step["dropped"] or step["edited"] or step["noted"])]
    told = {
        "nothing to say": [step["name"] for step in steps if step["looked_at"]],
        "nothing to look at": [step["name"] for step in steps if not step["looked_at"]],
    }
    return [f"  {what}: {', '.join(names)}" for what, names in told.items() if names]


def refused_report(report: Mapping[str, Any], out: object) -> list[str]:
    """How many lines are no dialogue, and what is wrong with the first of them."""
    number = report["refused"]
    told = "1 line that is no dialogue" if number == 1 else f"{number:,} lines that are no dialogue"
    return [f"refused: {told}, in {out}/refused.jsonl", f"  the first: {safe(report['first_refused'])}"]


def _more(step: Mapping[str, Any]) -> str:
    found = step["reasons"]
    reasons = ", ".join(
        f"{count:,} {reason}" if len(found) > 1 else reason for reason, count in list(found.items())[:4]
    )
    parts = [f" ({reasons})" if reasons else ""]
    if step["earlier"]:
        parts.append(f", {step['earlier']:,} of them copies of earlier data")
    if step["edited"]:
        parts.append(f", {step['edited']:,} edited")
    if step["noted"]:
        lines = "1 line" if step["notes"] == 1 else f"{step['notes']:,} lines"
        parts.append(f", {step['noted']:,} to be looked at: {lines} of notes.jsonl")
    return "".join(parts)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"


def chain_report(steps: Sequence[Step]) -> str:
    """The chain as the TOML that says it whole."""
    return "\n\n".join(_table(step) for step in steps)


def _table(step: Step) -> str:
    lines = ["[[filters]]", f'use = "{step.use}"']
    for name, value in step.filter.model_dump(mode="json").items():
        off = isinstance(step.filter, Limits) and name.startswith(("most_", "least_"))
        value = "off" if value is None and off else value
        lines.append(f"# {name}: not set" if value is None else f"{name} = {_toml(value)}")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    import orjson

    if isinstance(value, dict):
        return "{ " + ", ".join(f"{orjson.dumps(key).decode()} = {_toml(part)}" for key, part in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return orjson.dumps(value).decode()
