"""gen plan: what a run would ask and cost."""

import argparse
import sys

from gen.commands.options import run_options, settings_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    run_options(parser)
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")


def command(arguments: argparse.Namespace) -> int:
    """Print the plan; status 0."""
    from gen.text import plan_report
    from generator.estimate import estimate

    plan = estimate(settings_of(arguments))
    if arguments.json:
        import orjson

        sys.stdout.write(
            orjson.dumps(plan.model_dump(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
        )
    else:
        print(plan_report(plan))
    return 0
