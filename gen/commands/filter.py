"""gen filter: what is clean, unique and no benchmark's, and why the rest was left out."""

import argparse
import sys

from gen.commands.show import count


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("input", metavar="IN", nargs="*", help="run folders, or files or folders in any known format")
    parser.add_argument("--out", metavar="DIR", help="folder for kept.jsonl, dropped.jsonl, report.json, report.html")
    what = parser.add_argument_group("which filters")
    what.add_argument(
        "--preset", metavar="P", help="a chain by name: default, ultrachat-200k, openchat, belle-clean ..."
    )
    what.add_argument("--config", metavar="F.toml", help="a chain of your own as [[filters]] tables, in order")
    what.add_argument(
        "--set",
        metavar="F.S=V",
        action="append",
        default=[],
        help="change a setting, as near_duplicates.threshold=0.8 or length-2.most_words=off",
    )
    what.add_argument(
        "--without",
        metavar="F",
        action="append",
        default=[],
        help="leave a filter of the chain out, as length or length-2",
    )
    what.add_argument(
        "--benchmark",
        metavar="B",
        action="append",
        default=[],
        help="add contamination by this file, PATH or NAME=PATH",
    )
    what.add_argument(
        "--against", metavar="OLD", action="append", default=[], help="earlier data: drop what copies it as well"
    )
    what.add_argument("--list", action="store_true", help="print the chain with all its settings, and leave")
    how = parser.add_argument_group("how")
    how.add_argument("--format", metavar="F", help="format of the input (default: recognised row by row)")
    how.add_argument("--workers", metavar="N", type=count, help="processes (default: all cores)")
    how.add_argument("--cache", metavar="DIR", help="where computed things are kept for later runs (default: DIR/work)")
    how.add_argument("--json", action="store_true", help="print the report as JSON")


def command(arguments: argparse.Namespace) -> int:
    """Filter; status 1 where lines were refused."""
    from dialogue.errors import UsageError
    from gen.filter_config import filter_settings
    from gen.filter_text import chain_report, filter_report

    if not arguments.list:
        for name, value in (("IN", arguments.input), ("--out", arguments.out)):
            if not value:
                raise UsageError(f"{name} is missing: gen filter IN --out DIR")
    settings = filter_settings(
        arguments.input,
        arguments.out or ".",
        config=arguments.config,
        preset_name=arguments.preset,
        changes=arguments.set,
        without=arguments.without,
        benchmarks=arguments.benchmark,
        against=arguments.against,
        format=arguments.format,
        workers=arguments.workers,
        cache=arguments.cache,
    )
    if arguments.list:
        from filters.engine.chain import chain

        print(chain_report(chain(settings.filters, settings.places or "filters")))
        return 0
    from gen.api import filter_settled

    report = filter_settled(settings)
    if arguments.json:
        import orjson

        sys.stdout.write(orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
    else:
        print(filter_report(report, settings.out))
    return 1 if report["refused"] else 0
