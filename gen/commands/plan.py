"""gen plan: what a run would ask and cost."""

import argparse
import sys
from contextlib import nullcontext

from gen.commands.options import mixture_asked, run_options, settings_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    run_options(parser)
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")


def command(arguments: argparse.Namespace) -> int:
    """Print the plan; status 0."""
    from gen.mixing import naming
    from gen.text import plan_report
    from generator.estimate import estimate

    mixture = mixture_asked(arguments)
    plans = []
    for name, part in mixture.parts.items() if mixture else [("", settings_of(arguments))]:
        with naming(name) if mixture else nullcontext():
            plans.append(estimate(part))
    if arguments.json:
        import orjson

        told = [plan.model_dump() for plan in plans]
        shown = orjson.dumps(told if mixture else told[0], option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        sys.stdout.write(shown.decode())
    else:
        print("\n\n".join(map(plan_report, plans)))
    return 0
