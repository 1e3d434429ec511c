"""gen run: make dialogues."""

import argparse
import gc
import sys
from typing import TYPE_CHECKING

from gen.commands.options import mixture_asked, run_options, settings_of

if TYPE_CHECKING:
    from gen.mixing import Mixture


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    run_options(parser)
    how = parser.add_argument_group("how")
    how.add_argument("--dry-run", action="store_true", help="as `gen plan`: show what would be asked, send nothing")
    how.add_argument("--retry-failed", action="store_true", help="try the failed dialogues of the folder again")
    how.add_argument("--json", action="store_true", help="print the summary as JSON")


def command(arguments: argparse.Namespace) -> int:
    """Run it; the exit status is the summary's."""
    if arguments.dry_run:
        from gen.commands import plan

        return plan.command(arguments)
    from gen.api import run_settled
    from gen.text import run_report

    mixture = mixture_asked(arguments)
    settings = None if mixture else settings_of(arguments)
    # A run makes many small objects that live for a turn, and a few large ones that live for all of it.
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    if mixture:
        return _mixture(arguments, mixture)
    assert settings is not None
    summary = run_settled(settings, retry_failed=arguments.retry_failed)
    if arguments.json:
        import orjson

        sys.stdout.write(orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
    else:
        print(run_report(summary))
    if summary["stopped"]:
        print(f"gen run: {summary['stopped']}", file=sys.stderr)
    status: int = summary["status"]
    return status


def _mixture(arguments: argparse.Namespace, mixture: "Mixture") -> int:
    from gen.api import run_settled
    from gen.mixing import run_parts
    from gen.text import run_report

    summary = run_parts(mixture, lambda part: run_settled(part, retry_failed=arguments.retry_failed, about=part.sector))
    if arguments.json:
        import orjson

        sys.stdout.write(orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
    else:
        for name, one in summary["sectors"].items():
            print(f"== {name} ==\n{run_report(one)}")
        print(f"{summary['dialogues']:,} dialogues in {summary['out']}")
    if summary["stopped"]:
        print(f"gen run: {summary['stopped']}", file=sys.stderr)
    status: int = summary["status"]
    return status
