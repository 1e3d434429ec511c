"""gen contamination: which benchmark items stand in a corpus of dialogues."""

import argparse
import sys
from pathlib import Path
from typing import Any

from gen.commands.show import count


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("input", metavar="IN", nargs="*", help="run folders, or files or folders in any known format")
    parser.add_argument(
        "--benchmark",
        metavar="B",
        nargs="+",
        action="extend",
        help="benchmark files: PATH, NAME=PATH (a known layout's name, or any), or MAP.toml",
    )
    parser.add_argument("--out", metavar="DIR", help="folder for report.html, report.json, hits.jsonl")
    parser.add_argument("--config", metavar="F.toml", help="settings of a project: [contamination], [endpoint.NAME]")
    parser.add_argument("--format", metavar="F", help="format of the input (default: recognised row by row)")
    parser.add_argument(
        "--encoder", metavar="M", help="a sentence encoder, path or hub id: what it finds alike is a candidate too"
    )
    parser.add_argument("--workers", metavar="N", type=count, help="processes (default: all cores)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON, but for the single hits")
    models = parser.add_argument_group("asking a model")
    models.add_argument(
        "--judge", metavar="E", help="ask this endpoint whether the candidates are leaks: openai, a URL, or a name"
    )
    models.add_argument(
        "--rephrase", metavar="E", help="let this endpoint write items in other words, for the self-test"
    )
    models.add_argument("--model", metavar="M", help="model name (openai default: gpt-4.1-mini)")
    models.add_argument(
        "--per-item", metavar="K", help="candidates judged for each item, most alike first (default: 5)"
    )
    models.add_argument("--concurrency", metavar="C", help="questions under way at once (default: 16)")
    models.add_argument("--max-cost", metavar="USD", help="stop, resumable, before spending more")
    models.add_argument("--prices", metavar="F.toml", help="price table that stands before the package's")


OPTIONS = (
    *("out", "format", "encoder", "workers", "judge", "rephrase", "model", "per_item", "concurrency"),
    *("max_cost", "prices"),
)


def command(arguments: argparse.Namespace) -> int:
    """Make the report; the exit status is its own."""
    from gen.contamination_config import contamination_settings

    given = {name: getattr(arguments, name) for name in OPTIONS} | {"benchmarks": arguments.benchmark}
    flags = {name: value for name, value in given.items() if value is not None}
    config = Path(arguments.config) if arguments.config else None
    settings = contamination_settings(arguments.input, flags, config)
    from gen.contamination import settled

    report = settled(settings)
    _print(report, arguments.json)
    stopped = next((one["stopped"] for one in (report.get("judge"), report.get("rephrase")) if one), None)
    if stopped:
        print(f"gen contamination: {stopped}", file=sys.stderr)
    status: int = report["status"]
    return status


def _print(report: dict[str, Any], as_json: bool) -> None:
    from gen.contamination_text import contamination_report

    if not as_json:
        print(contamination_report(report))
        return
    import orjson

    shown = {name: value for name, value in report.items() if name != "hits"}
    sys.stdout.write(orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
